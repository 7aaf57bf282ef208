#include "targets/compose/compose_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "core/text.h"
#include "docker/container.h"
#include "docker/tar.h"
#include "targets/compose/compose_cli.h"
#include "targets/compose/compose_file.h"
#include "targets/compose/compose_nginx.h"
#include "targets/compose/compose_project.h"

namespace docktor {

using nlohmann::json;

namespace {

class Checker {
 public:
  Checker(DockerEngine& engine, const std::string& service, const ComposeSpec& spec, int max_replicas)
      : engine_(engine), service_(service), spec_(spec), max_(max_replicas) {}

  std::vector<Finding> run() {
    if (!engine_answers()) {
      deployment_ = deployment_of({}, spec_.project, spec_);
      compose_file();
      return std::move(findings_);
    }
    permissions();
    const auto project = find_project(engine_, spec_, {});
    const auto rows = project ? engine_.containers({"com.docker.compose.project=" + *project})
                              : Result<json>(json::array());
    if (project && rows) look(*project, *rows);
    compose_file();
    if (!project)
      error(project.error().message, "set project: in the configuration");
    else if (!rows)
      error(rows.error().message, "see whether `docker ps` answers");
    else
      containers();
    return std::move(findings_);
  }

 private:
  void ok(std::string what) { findings_.push_back({Severity::kOk, std::move(what), ""}); }
  void warn(std::string what, std::string cure) {
    findings_.push_back({Severity::kWarning, std::move(what), std::move(cure)});
  }
  void error(std::string what, std::string cure) {
    findings_.push_back({Severity::kError, std::move(what), std::move(cure)});
  }

  bool engine_answers() {
    const auto c = engine_.connect();
    if (!c) {
      // The message says the cure itself, after its first sentence.
      const auto& m = c.error().message;
      const auto dot = m.find(". ");
      error(m.substr(0, dot),
            dot == std::string::npos ? "see whether `docker ps` answers" : m.substr(dot + 2));
      return false;
    }
    environment_ = compose_environment(c->endpoint.cli_environment);
    ok(fmt::format("Docker answers at {} (from {}), API {}", c->endpoint.host, c->endpoint.found_by,
                   to_string(c->api)));
    return true;
  }

  // Requests that change nothing, but that a socket proxy without permission refuses before the engine sees
  // them.
  void permissions() {
    const auto denied = [&](EngineCall call) {
      const auto r = engine_.call(std::move(call));
      return !r && r.error().code == ErrorCode::kDenied;
    };
    const std::string nobody = "docktor-checks-permissions";
    if (denied({.what = "create containers", .method = "POST", .path = "/containers/create", .body = "{}"}) ||
        denied({.what = "start containers", .method = "POST", .path = "/containers/" + nobody + "/start"}) ||
        denied({.what = "remove containers", .method = "DELETE", .path = "/containers/" + nobody})) {
      error("Docker may be read here, but containers may not be created, started or removed",
            "give the socket proxy CONTAINERS=1 IMAGES=1 NETWORKS=1 EVENTS=1 PING=1 VERSION=1 INFO=1 POST=1");
    }
  }

  // The project's containers, and how they were deployed: the service's own know it best.
  void look(const std::string& project, const json& rows) {
    json labels;
    for (const auto& row : rows) {
      const auto& l = at(row, "/Labels");
      if (label(l, "com.docker.compose.oneoff") == "True") continue;
      auto inspect = engine_.inspect(text_at(row, "/Id"));
      if (!inspect) continue;
      const bool own = label(l, "com.docker.compose.service") == service_;
      if (own || labels.is_null()) labels = l;
      (own ? mine_ : others_).push_back(std::move(*inspect));
    }
    deployment_ = deployment_of(labels, project, spec_);
  }

  std::string up_command(const std::string& more) const {
    const bool named = deployment_.files.empty() ||
                       derive_project_name(deployment_.files.front(), &std::getenv) != deployment_.project;
    return fmt::format("`docker compose{}{}{}{}{} up -d{}`", named ? " -p " : "",
                       named ? deployment_.project : "", deployment_.files.empty() ? "" : " -f ",
                       fmt::join(deployment_.files, " -f "),
                       from_file_.profiles.empty() ? "" : " --profile " + from_file_.profiles.front(), more);
  }

  void compose_file() {
    if (deployment_.files.empty()) return;
    const auto shown = fmt::format("{}", fmt::join(deployment_.files, ", "));
    auto files = read_deployment(deployment_, environment_, {});
    if (!files) {
      if (mine_.empty())
        return error(files.error().message, "set compose_file to the file that `docker compose` is given");
      return warn(files.error().message,
                  "where docktor cannot read the files, it makes replicas like the running ones");
    }
    if (const auto found = files->services.find(service_); found != files->services.end()) {
      from_file_ = found->second;
      return ok(fmt::format("service {} is in {}", service_, shown));
    }
    // Containers of it are proof enough, whichever file they are from.
    if (!mine_.empty()) return;
    if (!files->complete) {
      return warn(
          fmt::format("service {} is not in {}; a file that it includes could not be read", service_, shown),
          "deploy the service once: docktor knows it by its containers");
    }
    std::vector<std::string_view> names;
    for (const auto& [name, s] : files->services) names.push_back(name);
    const auto near = did_you_mean(service_, names);
    error(fmt::format("service {} is not in {}", service_, shown),
          names.empty() ? "it has no services: set compose_file to the file that `docker compose` is given"
          : near        ? fmt::format("did you mean {}?", *near)
                        : fmt::format("its services are {}", fmt::join(names, ", ")));
  }

  void containers() {
    const auto running =
        std::ranges::count_if(mine_, [](const json& j) { return read_container(j).alive(); });
    if (mine_.empty() && others_.empty()) {
      warn(fmt::format("project {} has no containers yet", deployment_.project),
           "start it with " + up_command(""));
    } else if (mine_.empty()) {
      warn(fmt::format("project {} is there, but service {} has no containers", deployment_.project,
                       service_) +
               (from_file_.profiles.empty() ? ""
                                            : fmt::format(": it is started with profile {} only",
                                                          fmt::join(from_file_.profiles, " or "))),
           "start it with " + up_command(" " + service_));
    } else {
      ok(fmt::format("project {} is there, {} of {} containers of service {} running", deployment_.project,
                     running, mine_.size(), service_));
    }
    traps();
    if (!mine_.empty()) drift(mine_);
    for (const auto& o : others_) nginx(o);
  }

  void traps() {
    const auto all = mine_.empty() ? from_file_.traps : find_traps(mine_.back());
    for (const auto& t : all) tell(t);
    // What only the file knows (hooks), and what a newer file would bring.
    if (!mine_.empty()) {
      for (const auto& t : from_file_.traps) {
        const bool known = std::ranges::any_of(all, [&](const Trap& a) { return a.what == t.what; });
        if (!known) tell(t);
      }
    }
    auto why = from_file_.needs_cli;
    for (const auto& use : from_file_.uses) {
      if (use.injected && why.empty())
        why = fmt::format("{} {} is put into containers by the Compose command", use.kind, use.name);
    }
    if (why.empty()) return;
    if (const auto missing = missing_variable(from_file_, deployment_, environment_); !missing.empty()) {
      const auto colon = missing.rfind(": ");
      error(missing.substr(0, colon), missing.substr(colon + 2));
    }
    const auto cli = find_compose(environment_, {});
    if (cli) {
      ok(fmt::format("replicas are started with `{}`: {}", fmt::join(*cli, " "), why));
    } else {
      error(fmt::format("replicas of {} can be started by the Compose command only: {}", service_, why),
            cli.error().message);
    }
  }

  void tell(const Trap& t) {
    if (t.most_replicas == Trap::kNoLimit)
      warn(t.what, t.cure);
    else if (t.most_replicas < max_)
      error(fmt::format("{}; max_replicas is {}", t.what, max_), t.cure);
  }

  void drift(const std::vector<json>& mine) {
    std::set<std::string> hashes;
    for (const auto& j : mine) {
      const auto c = read_container(j);
      if (c.alive()) hashes.insert(c.config_hash);
    }
    if (hashes.size() > 1) {
      warn(fmt::format("the replicas of {} run {} different configurations", service_, hashes.size()),
           fmt::format(
               "bring all to the newest with `docker compose up -d {}`; docktor adds replicas of the newest",
               service_));
    }
    const auto tag = text_at(mine.back(), "/Config/Image");
    const auto image =
        engine_.json({.what = "find image " + tag, .path = "/images/" + url_encoded(tag) + "/json"});
    if (image && text_at(*image, "/Id") != text_at(mine.back(), "/Image")) {
      warn(fmt::format("image {} was built or pulled anew since {} was started; docktor adds replicas of the "
                       "running one",
                       tag, service_),
           fmt::format("deploy the new image with `docker compose up -d {}`", service_));
    } else if (!image && image.error().code == ErrorCode::kNotFound) {
      error(fmt::format("image {} is gone: no replica can be added", tag),
            fmt::format("`docker compose build {}` or `docker compose pull {}`", service_, service_));
    }
  }

  void nginx(const json& inspect) {
    const auto c = read_container(inspect);
    if (!c.alive()) return;
    const auto mentions = [](const json& list) {
      return list.is_array() && std::ranges::any_of(list, [](const json& w) {
               return w.is_string() && w.get<std::string>().find("nginx") != std::string::npos;
             });
    };
    if (text_at(inspect, "/Config/Image").find("nginx") == std::string::npos &&
        !mentions(at(inspect, "/Config/Cmd")) && !mentions(at(inspect, "/Config/Entrypoint"))) {
      return;
    }
    const auto archive = engine_.call({.what = "read the configuration of " + c.name,
                                       .path = "/containers/" + c.id + "/archive?path=/etc/nginx",
                                       .max_body = 8 << 20});
    if (!archive) return;
    for (const auto& [name, text] : files_of_tar(archive->body)) {
      for (const auto& line : nginx_names_resolved_once(text, service_)) {
        warn(fmt::format("{} in /etc/{} of {} resolves {} once, when nginx starts: replicas added later get "
                         "no traffic, and "
                         "removed ones give errors",
                         line, name, c.name, service_),
             fmt::format("use `resolver 127.0.0.11 valid=2s; set $upstream http://{}:PORT; proxy_pass "
                         "$upstream;`, or a proxy "
                         "that follows Docker (Traefik)",
                         service_));
      }
    }
  }

  DockerEngine& engine_;
  const std::string& service_;
  const ComposeSpec& spec_;
  const int max_;
  ComposeFileService from_file_;
  ComposeDeployment deployment_;
  std::vector<json> mine_, others_;
  std::map<std::string, std::string> environment_ = compose_environment({});
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_compose(DockerEngine& engine, const std::string& service, const ComposeSpec& spec,
                                   int max_replicas) {
  return Checker(engine, service, spec, max_replicas).run();
}

}  // namespace docktor
