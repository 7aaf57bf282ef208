// Recorded situations put to a model again, and its answers judged by simulation.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/adviser.h"
#include "core/spec.h"
#include "sim/load.h"

namespace docktor {

/// A recorded change with what came before it.
struct RecordedChange {
  nlohmann::ordered_json record;
  std::vector<nlohmann::ordered_json> history;  ///< oldest first
};

/// What is known about the service and its load when the answers are judged.
struct EvaluationWorld {
  ServiceSpec service;
  Duration max_delay{};
  double capacity = 20;  ///< messages per second of a replica
  double start_up = 3;   ///< seconds
  sim::Load load;        ///< as recorded
  double begins = 0;     ///< Unix seconds of the load's second 0
};

/// What came of following one answer, beside doing what the policy decided, all else being equal.
struct Judgement {
  Verdict verdict = Verdict::kFollowed;
  bool changed = false;                    ///< the answer would have changed something
  bool helped = false;                     ///< fewer messages waited longer than the objective
  bool harmed = false;                     ///< it cost replica-seconds, and no fewer messages were late
  double late_before = 0, late_after = 0;  ///< messages
  double more_replica_seconds = 0;
};

AdviceQuestion question_of(const RecordedChange& change, const EvaluationWorld& world);

/// Deterministic.
Judgement judge(const RecordedChange& change, const Advice& advice, const EvaluationWorld& world);

/// Messages per second of a replica, where no policy has learned it: the most that the records show per ready
/// replica while messages waited. Nothing when none do.
std::optional<double> capacity_seen(const std::vector<RecordedChange>& changes);

}  // namespace docktor
