// Where the Compose files are asked: what they say of the service by now, and replicas that only the Compose command can
// make.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "core/json_text.h"
#include "core/text.h"
#include "targets/compose/compose_choice.h"
#include "targets/compose/compose_cli.h"
#include "targets/compose/compose_project.h"
#include "targets/compose/compose_worker.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr Duration kRemove = std::chrono::seconds(120);
constexpr Duration kCli = std::chrono::minutes(5);
// A project whose youngest container is younger than this is being brought up, perhaps.
constexpr Duration kYoung = std::chrono::seconds(5);

}  // namespace

// What the files say of the service, asked again when a file was written or another configuration deployed.
const ComposeFileService* ComposeTarget::Worker::as_deployed(const json& source,
                                                             const std::stop_token& stop) {
  const auto d = deployment_of(source.is_null() ? project_labels_ : at(source, "/Config/Labels"), project_,
                               options_.spec);
  auto key = label(at(source, "/Config/Labels"), "com.docker.compose.config-hash");
  for (const auto& f : d.files) {
    std::error_code ec;
    const auto written = std::filesystem::last_write_time(f, ec);
    key += fmt::format("|{}|{}", f, ec ? 0 : written.time_since_epoch().count());
  }
  if (deployed_.key != key) {
    deployed_ = {.key = std::move(key)};
    std::map<std::string, std::string> engine;
    if (const auto connected = docker_.engine().connect(stop)) engine = connected->endpoint.cli_environment;
    auto files = read_deployment(d, compose_environment(engine), stop);
    if (stop.stop_requested()) deployed_.key.clear();
    if (files && files->services.contains(options_.service))
      deployed_.service = std::move(files->services[options_.service]);
  }
  return deployed_.service ? &*deployed_.service : nullptr;
}

// Where no container of the service is left the one that is remembered need not be what its files say now. Empty: it
// is, or they cannot be asked.
std::string ComposeTarget::Worker::why_outdated(const json& source, const std::stop_token& stop) {
  const auto was = label(at(source, "/Config/Labels"), "com.docker.compose.config-hash");
  const auto connected = docker_.engine().connect(stop);
  if (was.empty() || !connected) return "";
  as_deployed(source, stop);
  if (!deployed_.hash) {
    const auto d = deployment_of(at(source, "/Config/Labels"), project_, options_.spec);
    deployed_.hash =
        deployed_hash(d, options_.service, compose_environment(connected->endpoint.cli_environment), stop)
            .value_or("");
  }
  if (!deployed_.hash->empty() && *deployed_.hash != was)
    return fmt::format("the Compose file defines {} otherwise than when its last container was made",
                       options_.service);
  const auto tag = text_at(source, "/Config/Image");
  const auto image = docker_.engine().json(
      {.what = "find image " + tag, .path = "/images/" + url_encoded(tag) + "/json"}, stop);
  if (image && text_at(*image, "/Id") != text_at(source, "/Image"))
    return fmt::format("image {} is another one than when its last container was made", tag);
  return "";
}

// What is in the container and neither in its image nor in a mount; nothing where that cannot be asked.
std::optional<std::set<std::string>> ComposeTarget::Worker::changed_paths(const json& source,
                                                                          const std::stop_token& stop) {
  const auto id = text_at(source, "/Id");
  // Compose puts it there before the first start: one that was never started may lack what it needs.
  const auto* c = view_.find(id);
  if (!known_.contains(id) || !c || !c->started) return std::nullopt;
  if (changed_.first == id) return changed_.second;
  const auto changes = docker_.engine().json(
      {.what = "see the changes in " + name_of(id), .path = "/containers/" + id + "/changes"}, stop);
  if (!changes || !changes->is_array()) return std::nullopt;
  std::set<std::string> paths;
  for (const auto& c : *changes) paths.insert(text_at(c, "/Path"));
  changed_ = {id, std::move(paths)};
  return changed_.second;
}

// Whether only the Compose command can make another one of these, and why. Some of what it does cannot be
// seen from outside (hooks): that the files tell. What it put into the container the container tells,
// whichever way the files came to it (extends, include, an override, a file that is not here any more).
std::string ComposeTarget::Worker::why_cli(const json& source, const std::stop_token& stop) {
  const auto* service = as_deployed(source, stop);
  if (service && !service->needs_cli.empty()) return service->needs_cli;
  std::set<std::string> mounted;
  if (const auto& mounts = at(source, "/Mounts"); mounts.is_array()) {
    for (const auto& m : mounts) mounted.insert(text_at(m, "/Destination"));
  }
  const auto changed = changed_paths(source, stop);
  for (const auto& use : service ? service->uses : std::vector<ComposeFileUse>{}) {
    if (mounted.contains(use.path) || !(changed ? changed->contains(use.path) : use.injected)) continue;
    return fmt::format("{} {} is put into containers by the Compose command", use.kind, use.name);
  }
  for (const auto& path : changed.value_or(std::set<std::string>{})) {
    if (path.starts_with("/run/secrets/") && !mounted.contains(path))
      return fmt::format("{} is put into containers by the Compose command", path);
  }
  return "";
}

Result<std::string> ComposeTarget::Worker::grow_by_cli(int to, const std::string& why, const json& source,
                                                       const std::stop_token& stop) {
  auto& engine = docker_.engine();
  const auto connected = engine.connect(stop);
  if (!connected) return tl::unexpected<Error>(connected.error());
  if (view_.count(now()) == 0) {
    const auto others = engine.containers({"com.docker.compose.project=" + project_}, stop);
    if (!others) return tl::unexpected<Error>(others.error());
    for (const auto& c : *others) {
      const auto& created = at(c, "/Created");
      if (!created.is_number_integer()) continue;
      if (now() - time_at(static_cast<double>(created.get<std::int64_t>())) < kYoung) {
        return fail(ErrorCode::kConflict, fmt::format("project {} is being brought up just now", project_),
                    true);
      }
    }
  }
  const auto deployment = deployment_of(source.is_null() ? project_labels_ : at(source, "/Config/Labels"),
                                        project_, options_.spec);
  if (deployment.files.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{}, and no compose_file is configured: start one with `docker compose up -d {}`",
                            why, options_.service));
  }
  const auto environment = compose_environment(connected->endpoint.cli_environment);
  if (const auto* service = as_deployed(source, stop)) {
    const auto missing = missing_variable(*service, deployment, environment);
    if (!missing.empty()) return fail(ErrorCode::kInvalid, missing, true);
  }
  std::set<std::string> before;
  for (const auto& [id, k] : known_) before.insert(id);
  for (const auto& id : reusable(view_, label(at(source, "/Config/Labels"), "com.docker.compose.config-hash"),
                                 text_at(source, "/Image"))) {
    view_.started(id);
  }
  const auto ran = run_compose_scale(deployment, options_.service, to, environment, kCli, stop);
  all_dirty_ = true;
  std::vector<std::string> made;
  if (const auto all = list(stop)) {
    std::vector<std::string> leftovers;
    for (const auto& c : *all) {
      if (before.contains(c.id) || c.one_off) continue;
      view_.created(c.id, now());
      if (c.alive())
        made.push_back(c.name);
      else if (!ran && c.state == ContainerState::kCreated)
        leftovers.push_back(c.id);
    }
    for (const auto& id : leftovers) {
      (void)!engine
          .call({.what = "remove a container that did not start",
                 .method = "DELETE",
                 .path = "/containers/" + id + "?v=1&force=1",
                 .timeout = kRemove},
                stop)
          .has_value();
      view_.forget(id);
    }
  }
  if (!ran) {
    auto e = ran.error();
    e.message = fmt::format("{} (the Compose command was used since {})", e.message, why);
    return tl::unexpected<Error>(std::move(e));
  }
  return fmt::format("started {} by the Compose command, since {}: {}", made.size(), why,
                     fmt::join(made, ", "));
}

}  // namespace docktor
