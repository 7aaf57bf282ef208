#include "app/wiring.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "app/kinds.h"
#include "config/effective.h"
#include "core/intervals.h"
#include "policy/policies.h"
#include "queues/several.h"
#include "targets/dry_run.h"

namespace docktor {

namespace {

// The factory of a kind, made with the first service that needs it.
template <class Factory, class Rows>
Factory& factory_of(std::map<std::string, std::unique_ptr<Factory>>& made, const Rows& rows,
                    const std::string& kind, const FactoryOptions& options) {
  auto& factory = made[kind];
  for (const auto* row : rows) {
    if (!factory && row->keys->name == kind) factory = row->make(options);
  }
  // A configuration has only kinds of the same table: this is a mistake of ours.
  if (!factory) throw std::logic_error(fmt::format("there is no kind {}", kind));
  return *factory;
}

}  // namespace

Wiring::Wiring(Options options) : options_(std::move(options)) {}
Wiring::~Wiring() = default;

QueueFactory& Wiring::queues(const std::string& kind) {
  const std::lock_guard lock(mutex_);
  return factory_of(queues_, queue_kinds(), kind,
                    {clock_, options_.state_dir, options_.log_dir, options_.log});
}

TargetFactory& Wiring::targets(const std::string& kind) {
  const std::lock_guard lock(mutex_);
  return factory_of(targets_, target_kinds(), kind,
                    {clock_, options_.state_dir, options_.log_dir, options_.log});
}

OpenQueue Wiring::queue(const ServiceSpec& spec) {
  if (!spec.queue) return {};
  const Reach reach = targets(spec.target.kind).reach(spec);
  if (spec.queue->parts.empty()) return queues(spec.queue->kind).open(spec, reach);
  std::vector<SeveralQueues::Part> parts;
  std::vector<std::function<std::string()>> shown;
  for (const auto& part : spec.queue->parts) {
    ServiceSpec alone = spec;
    alone.queue = part;
    auto open = queues(part.kind).open(alone, reach);
    parts.push_back({part.name, std::move(open.source)});
    shown.push_back([name = part.name, fixed = part.shown, now = std::move(open.shown)] {
      return fmt::format("{}: {}", name, now ? now() : fixed);
    });
  }
  return {std::make_unique<SeveralQueues>(std::move(parts)), [shown = std::move(shown)] {
            std::string all;
            for (const auto& one : shown) all += (all.empty() ? "" : "; ") + one();
            return all;
          }};
}

ServiceParts Wiring::look(const ServiceSpec& spec) {
  ServiceParts parts;
  parts.spec = spec;
  parts.policy = make_policy(spec);
  auto open = queue(spec);
  parts.queue = std::move(open.source);
  parts.queue_shown = std::move(open.shown);
  return parts;
}

ServiceParts Wiring::make(const Config& config, const ServiceSpec& spec, std::function<void()> on_change) {
  ServiceParts parts = look(spec);
  Config alone;  // and not a copy of it all: there may be thousands
  alone.path = config.path;
  alone.shown = config.shown;
  alone.version = config.version;
  alone.llm = config.llm;
  alone.services = {spec};
  parts.effective = effective_config(alone);
  parts.dry_run = dry_run(spec);
  auto& target = targets(spec.target.kind);
  TargetOptions options{.on_change = std::move(on_change), .look_only = parts.dry_run};
  if (options_.claim)
    options.claim = [claim = options_.claim, name = spec.name](const std::string& what) {
      return claim(name, what);
    };
  parts.target = target.open(spec, std::move(options));
  if (parts.dry_run) parts.target = std::make_unique<DryRunTarget>(std::move(parts.target));
  parts.place = target.place();
  if (spec.uses_cpu() || parts.place) parts.usage = target.usage(spec);
  return parts;
}

Result<int> Wiring::count_replicas(const ServiceSpec& spec, const std::stop_token& stop) {
  return targets(spec.target.kind).count(spec, stop);
}

std::vector<Finding> Wiring::check(const ServiceSpec& spec) {
  std::vector<Finding> findings;
  if (const auto open = queue(spec); open.source) findings = open.source->check(std::chrono::seconds(5));
  for (auto& f : targets(spec.target.kind).check(spec)) findings.push_back(std::move(f));
  if (auto slow = slow_checks(spec); !slow.empty())
    findings.push_back({Severity::kWarning, std::move(slow), quicker_checks(spec)});
  return findings;
}

std::vector<std::string> Wiring::scaled_identities(const Config& config, const ServiceSpec& spec) {
  return targets(spec.target.kind).identities(spec, config.path);
}

std::string Wiring::scaled_identity(const Config& config, const ServiceSpec& spec) {
  return targets(spec.target.kind).identity(spec, config.path);
}

}  // namespace docktor
