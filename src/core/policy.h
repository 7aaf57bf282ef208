// The Policy seam: a pure function from observations, and its own memory of them, to a recommendation.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/decision.h"
#include "core/observation.h"
#include "core/time.h"

namespace docktor {

/// What a policy is asked about. The references live for the call.
struct Situation {
  Time now;
  ReplicaCounts replicas;
  const Observation& latest;          ///< the newest sample
  const Observation& window;          ///< means over metrics_window
  std::optional<int> min_replicas{};  ///< set by a person, in place of the configuration's
};

/// Deterministic: no clock, no I/O, no randomness, no global. Used from one thread at a time.
class Policy {
 public:
  virtual ~Policy() = default;

  /// Learns from a sample. Called once per sample, in order of time, whether or not an evaluation follows.
  virtual void observe(const Observation& sample) { (void)sample; }

  /// How many replicas the service should have. Called once per evaluation.
  virtual Recommendation recommend(const Situation& situation) = 0;

  /// Whether a sample already shows, ahead of the next evaluation, that more replicas are wanted. Rules alone
  /// say so.
  virtual bool first_sign(const Situation& situation) const {
    (void)situation;
    return false;
  }

  /// A copy that recommends as this one does, where it does so without memory; else nothing.
  virtual std::unique_ptr<Policy> memoryless_copy() const { return nullptr; }

  /// Writes what must outlive a restart into `state` (a JSON object; instants are seconds on the Timeline).
  virtual void save(nlohmann::json& state) const { (void)state; }

  /// Takes up what save() wrote; anything missing or absurd is ignored, never an error.
  virtual void restore(const nlohmann::json& state) { (void)state; }
};

}  // namespace docktor
