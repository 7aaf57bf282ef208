// Meter + policy + limits of one service. Pure and deterministic: no clock, no I/O, no thread, no global.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "core/decision.h"
#include "core/limits.h"
#include "core/meter.h"
#include "core/policy.h"
#include "core/policy_alone.h"
#include "core/sample.h"
#include "core/spec.h"

namespace docktor {

/// The one object that daemon, simulator, `decide` and the library all drive:
///
///     autoscaler.observe(input);                      // each sample, in order of time
///     Decision d = autoscaler.evaluate(now, counts);  // each check interval
///
/// The same calls give the same decisions. Not thread-safe.
class Autoscaler {
 public:
  Autoscaler(ServiceSpec spec, std::unique_ptr<Policy> policy);

  /// Takes a sample in. False, and nothing happens, when `input.at` is not later than the one before.
  bool observe(const Input& input);

  Decision evaluate(Time now, const ReplicaCounts& replicas, const Overrides& overrides = {});

  /// The decision that evaluate() just gave, as a model's advice on it leaves it: Limits::advise().
  Decision advise(const Decision& d, const Advice& advice, const Overrides& overrides = {});
  bool open_to_advice(const Decision& d, const Overrides& overrides) const {
    return limits_.open_to_advice(d, overrides);
  }

  /// Whether the samples so far make an evaluation ahead of the next check worth while.
  bool first_sign(Time now, const ReplicaCounts& replicas) const;

  /// The newest sample, for status.
  Observation latest(Time now) const { return meter_.latest(now); }

  /// What must outlive a restart: what the policy learned, cooldowns, the meter's window.
  nlohmann::json save() const;
  void restore(const nlohmann::json& state, Time now);

  const ServiceSpec& spec() const { return spec_; }
  const Policy& policy() const { return *policy_; }

 private:
  ServiceSpec spec_;
  Meter meter_;
  std::unique_ptr<Policy> policy_;
  Limits limits_;
  PolicyAlone alone_;
};

}  // namespace docktor
