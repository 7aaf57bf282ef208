#include "provisioner/objective_law.h"

#include <fmt/format.h>

#include <utility>

#include "policy/policies.h"

namespace docktor {

ServiceSpec spec_of(const ObjectiveLaw& law, const std::string& stream, const std::string& consumer) {
  ServiceSpec spec;
  spec.name = fmt::format("{}/{}", stream, consumer);
  spec.limits.min_replicas = law.min_instances;
  spec.limits.max_replicas = law.max_instances;
  spec.limits.stabilization = law.idle_after;
  spec.check_interval = law.check_interval;
  spec.sample_interval = law.sample_interval;
  spec.objective = ObjectiveSpec{law.max_wait, law.quantile};
  spec.queue.emplace();
  spec.queue->identity = fmt::format("nats {} {}", stream, consumer);
  return spec;
}

ObjectiveLawRunner::ObjectiveLawRunner(ServiceSpec spec) : autoscaler_(spec, make_policy(spec)) {}

void ObjectiveLawRunner::observe(Time now, const ReplicaCounts& instances, const QueueSample& queue) {
  autoscaler_.observe({now, instances, queue, std::nullopt});
}

// Freshness is the autoscaler's own business: it knows when its newest sample was taken.
Ruling ObjectiveLawRunner::decide(Time now, const ReplicaCounts& instances, const Overrides& overrides,
                                  bool) {
  Decision d = autoscaler_.evaluate(now, instances, overrides);
  return {d.target, std::move(d.reason)};
}

}  // namespace docktor
