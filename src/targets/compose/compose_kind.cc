#include "targets/compose/compose_kind.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "docker/docker.h"
#include "docker/service_address.h"
#include "os/late_stop.h"
#include "targets/compose/compose.h"
#include "targets/compose/compose_check.h"
#include "targets/compose/compose_file.h"
#include "targets/compose/compose_keys.h"
#include "targets/compose/compose_project.h"
#include "targets/compose/docker_usage.h"
#include "targets/compose/engine_host.h"

namespace docktor {

namespace {

constexpr auto kAskEngine = std::chrono::seconds(2);

std::string variable(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return text ? text : "";
}

class ComposeFactory final : public TargetFactory {
 public:
  explicit ComposeFactory(const FactoryOptions& options) : options_(options) {}

  std::unique_ptr<Target> open(const ServiceSpec& spec, TargetOptions options) override {
    ComposeOptions o;
    o.service = spec.name;
    o.spec = ComposeSpec::from(spec.target.settings);
    o.state_directory = options_.state_dir + "/replicas";
    o.on_change = std::move(options.on_change);
    o.max_replicas = kMaxReplicas;
    o.look_only = options.look_only;
    o.claim = std::move(options.claim);
    return std::make_unique<ComposeTarget>(std::move(o), docker_, options_.clock);
  }

  std::unique_ptr<Source> usage(const ServiceSpec&) override {
    return std::make_unique<DockerUsageSource>(docker_);
  }

  std::function<HostPlace()> place() override {
    const auto found = find_docker({.getenv = &std::getenv});
    if (!found || found->server.unix_socket.empty()) return {};
    return [this] { return host_.place(); };
  }

  Result<int> count(const ServiceSpec& spec, const std::stop_token& stop) override {
    return count_compose_replicas(docker_.engine(), spec.name, ComposeSpec::from(spec.target.settings), stop);
  }

  // Not through a target of its own: that would begin to look after replicas beside a running daemon.
  std::vector<Finding> check(const ServiceSpec& spec) override {
    return check_compose(docker_.engine(), spec.name, ComposeSpec::from(spec.target.settings),
                         spec.limits.max_replicas);
  }

  // By the project, not by the file: two configurations may name one project by different ways.
  std::string identity(const ServiceSpec& spec, const std::string&) override {
    const auto s = ComposeSpec::from(spec.target.settings);
    auto project = s.project.empty() ? derive_project_name(s.compose_file, &std::getenv) : s.project;
    if (project.empty()) project = s.compose_file;
    return fmt::format("compose|{}|{}|{}|{}", variable("DOCKER_HOST"), variable("DOCKER_CONTEXT"), project,
                       spec.name);
  }

  std::vector<std::string> identities(const ServiceSpec& spec, const std::string& config) override {
    std::vector<std::string> all{identity(spec, config)};
    if (no_engine_) return all;  // one silent engine does not cost its deadline for each service
    const LateStop deadline(stopped(), kAskEngine);
    auto& engine = docker_.engine();
    const auto project = find_project(engine, ComposeSpec::from(spec.target.settings), deadline.token());
    no_engine_ = !project && project.error().retry;
    if (!project) return all;
    const auto found = compose_identities(engine, *project, spec.name, deadline.token());
    no_engine_ = !found;
    return found ? *found : all;
  }

  // A name that only the project's network knows is reached by its published port.
  Reach reach(const ServiceSpec& spec) override {
    const auto s = ComposeSpec::from(spec.target.settings);
    auto address = std::make_shared<ServiceAddress>(
        docker_, [this, s] { return find_project(docker_.engine(), s, std::stop_token{}); });
    return {.scope = s.compose_file + "|" + s.project,
            .resolve = [address](const std::string& url, int port) { return address->resolve(url, port); },
            .shown = [address](const std::string& url) { return address->shown(url); }};
  }

 private:
  const FactoryOptions options_;
  Docker docker_;
  EngineHost host_{docker_.engine()};
  std::atomic<bool> no_engine_ = false;
};

}  // namespace

const TargetKind kComposeKind = {&kComposeKeys,
                                 [](const FactoryOptions& options) -> std::unique_ptr<TargetFactory> {
                                   return std::make_unique<ComposeFactory>(options);
                                 }};

}  // namespace docktor
