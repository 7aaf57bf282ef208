#include "core/autoscaler.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace docktor {

Autoscaler::Autoscaler(ServiceSpec spec, std::unique_ptr<Policy> policy)
    : spec_(std::move(spec)),
      meter_(spec_.metrics_window, spec_.stale_after(), spec_.shortest_flow()),
      policy_(std::move(policy)),
      limits_(spec_),
      alone_(spec_.metrics_window) {}

bool Autoscaler::observe(const Input& input) {
  const auto o = meter_.observe(input);
  if (!o) return false;
  policy_->observe(*o);
  alone_.observe(*o);
  return true;
}

Decision Autoscaler::evaluate(Time now, const ReplicaCounts& replicas, const Overrides& overrides) {
  const Observation latest = meter_.latest(now);
  const Observation window = meter_.mean(now);
  Situation situation{now, replicas, latest, window};
  if (overrides.bounds || overrides.scheduled)
    situation.min_replicas = overrides.bounds_over(spec_.limits).min;
  const auto alone = alone_.evaluate(situation, overrides, limits_);
  Decision d = limits_.apply(now, situation, overrides, policy_->recommend(situation), alone);
  alone_.decided(d.target);
  return d;
}

bool Autoscaler::first_sign(Time now, const ReplicaCounts& replicas) const {
  const Observation latest = meter_.latest(now);
  const Observation window = meter_.mean(now);
  return policy_->first_sign({now, replicas, latest, window});
}

Decision Autoscaler::advise(const Decision& d, const Advice& advice, const Overrides& overrides) {
  const Limits before = limits_.without_advice();
  Decision advised = limits_.advise(d.at, d, advice, overrides);
  if (advised.target != d.target && advice.kind != AdviceKind::kWithdraw)
    alone_.part(before, policy_->memoryless_copy(), d);
  alone_.decided(advised.target);
  return advised;
}

namespace {

// Counters of one queue, what was seen to wait there and when messages came mean nothing for another.
std::string queue_name(const ServiceSpec& spec) { return spec.queue ? spec.queue->identity : std::string(); }

}  // namespace

nlohmann::json Autoscaler::save() const {
  nlohmann::json state = {{"service", spec_.name},
                          {"queue", queue_name(spec_)},
                          {"meter", nlohmann::json::object()},
                          {"limits", nlohmann::json::object()},
                          {"policy", nlohmann::json::object()},
                          {"policy_alone", nlohmann::json::object()}};
  meter_.save(state["meter"]);
  limits_.save(state["limits"]);
  policy_->save(state["policy"]);
  alone_.save(state["policy_alone"]);
  return state;
}

void Autoscaler::restore(const nlohmann::json& state, Time now) {
  if (!state.is_object()) return;
  const auto queue = state.find("queue");
  const auto meter = state.find("meter");
  const bool another = queue != state.end() && *queue != queue_name(spec_);
  if (queue != state.end() && !another && meter != state.end()) meter_.restore(*meter, now);
  if (const auto it = state.find("limits"); it != state.end()) limits_.restore(*it, now);
  if (another) return;
  if (const auto it = state.find("policy_alone"); it != state.end())
    alone_.restore(*it, policy_->memoryless_copy(), limits_.without_advice(), now);
  if (const auto it = state.find("policy"); it != state.end() && it->is_object()) policy_->restore(*it);
}

}  // namespace docktor
