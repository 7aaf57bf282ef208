#include "app/wiring.h"

#include <fmt/format.h>

#include <cstdlib>

#include "config/effective.h"
#include "control/paths.h"
#include "core/text.h"
#include "docker/docker.h"
#include "docker/service_address.h"
#include "os/late_stop.h"
#include "os/real_clock.h"
#include "policy/policies.h"
#include "queues/nats/jetstream_connections.h"
#include "queues/nats/jetstream_source.h"
#include "targets/compose/compose.h"
#include "targets/compose/compose_check.h"
#include "targets/compose/compose_file.h"
#include "targets/compose/compose_project.h"
#include "targets/compose/docker_usage.h"
#include "targets/dry_run.h"
#include "targets/process/proc_usage.h"
#include "targets/process/process.h"
#include "targets/process/process_supervisor.h"

namespace docktor {

namespace {

// The bounds are kept by the limits, a person may widen them; this only stops a mistake of ours.
constexpr int kMostReplicas = 100'000;
constexpr auto kAskEngine = std::chrono::seconds(2);

}  // namespace

struct Wiring::Impl {
  explicit Impl(Options o) : options(std::move(o)) {}

  bool dry_run(const ServiceSpec& spec) const { return options.dry_run && options.dry_run(spec.name); }

  static bool compose(const ServiceSpec& spec) { return spec.target.kind == "compose"; }

  Docker& engine() {
    if (!docker) docker = std::make_unique<Docker>();
    return *docker;
  }

  // `shown` gets a function that tells where the queue is, as it is reached.
  std::unique_ptr<Source> queue(const ServiceSpec& spec, std::function<std::string()>* shown) {
    if (!spec.queue) return nullptr;
    auto link = NatsLinkOptions::from(*spec.queue);
    if (shown) *shown = [url = redacted_url(spec.queue->url)] { return url; };
    if (compose(spec)) {
      // A name that only the project's network knows is reached by its published port.
      Docker& d = engine();
      auto address = std::make_shared<ServiceAddress>(
          d, [&d, target = spec.target] { return find_project(d.engine(), target, std::stop_token{}); });
      link.scope = spec.target.compose_file + "|" + spec.target.project;
      link.resolve = [address](const std::string& url) { return address->resolve(url); };
      if (shown) *shown = [address, url = spec.queue->url] { return address->shown(url); };
    }
    return std::make_unique<JetStreamSource>(
        connections.get(link), JetStreamSource::options_from(*spec.queue, spec.limits.min_replicas == 0));
  }

  ComposeOptions compose_options(const ServiceSpec& spec, std::function<void()> on_change) const {
    ComposeOptions o;
    o.service = spec.name;
    o.spec = spec.target;
    o.state_directory = options.state_dir + "/replicas";
    o.on_change = std::move(on_change);
    o.max_replicas = kMostReplicas;
    if (options.claim)
      o.claim = [claim = options.claim, name = spec.name](const std::string& what) {
        return claim(name, what);
      };
    return o;
  }

  ProcessOptions process_options(const ServiceSpec& spec, std::function<void()> on_change) const {
    ProcessOptions o;
    o.service = spec.name;
    o.spec = spec.target;
    o.state_directory = options.state_dir + "/replicas";
    o.log_directory = options.log_dir + "/replicas";
    o.on_change = std::move(on_change);
    o.max_replicas = kMostReplicas;
    o.restart = !dry_run(spec);
    return o;
  }

  Options options;
  RealClock clock;
  bool no_engine = false;
  std::unique_ptr<Docker> docker;  // these three are made with the first service that needs them
  JetStreamConnections connections;
  std::unique_ptr<ProcessSupervisor> supervisor;
  std::unique_ptr<ProcReader> reader;
};

Wiring::Wiring(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Wiring::~Wiring() = default;

ServiceParts Wiring::make(const Config& config, const ServiceSpec& spec, std::function<void()> on_change) {
  ServiceParts parts = make_real(config, spec, std::move(on_change));
  if (impl_->dry_run(spec)) {
    parts.target = std::make_unique<DryRunTarget>(std::move(parts.target));
    parts.dry_run = true;
  }
  return parts;
}

ServiceParts Wiring::make_real(const Config& config, const ServiceSpec& spec,
                               std::function<void()> on_change) {
  Impl& w = *impl_;
  ServiceParts parts;
  parts.spec = spec;
  parts.policy = make_policy(spec);
  parts.queue = w.queue(spec, &parts.queue_shown);
  Config alone;  // and not a copy of it all: there may be thousands
  alone.path = config.path;
  alone.shown = config.shown;
  alone.version = config.version;
  alone.llm = config.llm;
  alone.services = {spec};
  parts.effective = effective_config(alone);
  if (Impl::compose(spec)) {
    parts.target =
        std::make_unique<ComposeTarget>(w.compose_options(spec, std::move(on_change)), w.engine(), w.clock);
    if (spec.uses_cpu()) parts.usage = std::make_unique<DockerUsageSource>(w.engine());
    return parts;
  }
  if (!w.supervisor) w.supervisor = std::make_unique<ProcessSupervisor>();
  parts.target =
      std::make_unique<ProcessTarget>(w.process_options(spec, std::move(on_change)), *w.supervisor, w.clock);
  if (spec.uses_cpu()) {
    if (!w.reader) w.reader = std::make_unique<ProcReader>();
    parts.usage = std::make_unique<ProcUsageSource>(*w.reader);
  }
  return parts;
}

ServiceParts Wiring::look(const ServiceSpec& spec) {
  ServiceParts parts;
  parts.spec = spec;
  parts.policy = make_policy(spec);
  parts.queue = impl_->queue(spec, &parts.queue_shown);
  return parts;
}

Result<int> Wiring::count_replicas(const Config& config, const ServiceSpec& spec,
                                   const std::stop_token& stop) {
  (void)config;
  Impl& w = *impl_;
  if (!Impl::compose(spec)) return count_process_replicas(w.process_options(spec, {}));
  return count_compose_replicas(w.engine().engine(), spec.name, spec.target, stop);
}

std::vector<Finding> Wiring::check(const Config& config, const ServiceSpec& spec) {
  (void)config;
  Impl& w = *impl_;
  std::vector<Finding> findings;
  if (const auto queue = w.queue(spec, nullptr)) findings = queue->check(std::chrono::seconds(5));
  if (Impl::compose(spec)) {
    // Not through a target of its own: that would begin to look after replicas beside a running daemon.
    for (auto& f : check_compose(w.engine().engine(), spec.name, spec.target, spec.limits.max_replicas))
      findings.push_back(std::move(f));
    return findings;
  }
  for (auto& f : check_process_target(w.process_options(spec, {}))) findings.push_back(std::move(f));
  return findings;
}

std::vector<std::string> Wiring::scaled_identities(const Config& config, const ServiceSpec& spec) {
  std::vector<std::string> all{scaled_identity(config, spec)};
  if (!Impl::compose(spec)) return all;
  auto& w = *impl_;
  if (w.no_engine) return all;  // one silent engine does not cost its deadline for each service
  const LateStop deadline(stopped(), kAskEngine);
  auto& engine = w.engine().engine();
  const auto project = find_project(engine, spec.target, deadline.token());
  w.no_engine = !project && project.error().retry;
  if (!project) return all;
  const auto found = compose_identities(engine, *project, spec.name, deadline.token());
  w.no_engine = !found;
  return found ? *found : all;
}

std::string scaled_identity(const Config& config, const ServiceSpec& spec) {
  const TargetSpec& t = spec.target;
  if (t.kind == "compose") {
    // By the project, not by the file: two configurations may name one project by different ways.
    const auto env = [](const char* name) {
      const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
      return std::string(text ? text : "");
    };
    auto project = t.project.empty() ? derive_project_name(t.compose_file, &std::getenv) : t.project;
    if (project.empty()) project = t.compose_file;
    return fmt::format("compose|{}|{}|{}|{}", env("DOCKER_HOST"), env("DOCKER_CONTEXT"), project, spec.name);
  }
  if (spec.queue) {
    return fmt::format("{}|{}|{}|{}|{}", t.kind, spec.name, redacted_url(spec.queue->url), spec.queue->stream,
                       spec.queue->consumer);
  }
  return fmt::format("{}|{}|{}", t.kind, spec.name, config.path);
}

}  // namespace docktor
