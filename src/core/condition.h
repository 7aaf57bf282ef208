// What may be the matter with a service: one table, from which status, page, metrics and alerts take names and
// words.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor {

enum class Condition {
  kQueueUnreachable,
  kStale,
  kProblem,
  kFailing,
  kEndsAtOnce,
  kAtMax,
  kNoRoom,
  kHostFull,
  kBottleneck,
  kHeadroomShort,
  kCutOff,
  kKilled,
  kPaused,
  kScaledByHand,
  kBoundsByHand,
  kStoppedByHand,
  kDryRun,
  kApproval,
  kPollingOnly,
};

struct ConditionInfo {
  Condition condition;
  std::string_view name;   ///< of the metric's label, of JSON
  bool trouble;            ///< somebody should look; else it is as somebody wants it
  std::string_view words;  ///< for people
};

/// In the order of their weight: the first that holds is the one to tell where there is room for one.
inline constexpr std::array<ConditionInfo, 19> kConditions{{
    {Condition::kQueueUnreachable, "queue_unreachable", true, "the queue cannot be read"},
    {Condition::kStale, "stale", true, "the figures are too old to act on"},
    {Condition::kProblem, "problem", true, "the target does not answer"},
    {Condition::kFailing, "failing", true, "replicas end at once"},
    {Condition::kEndsAtOnce, "ends_at_once", true,
     "replicas end at once without an error, and messages wait"},
    {Condition::kAtMax, "at_max", true, "more replicas are needed than max_replicas allows"},
    {Condition::kNoRoom, "no_room", true, "more replicas are needed than max_total_replicas leaves"},
    {Condition::kHostFull, "host_full", true, "more replicas are needed than this host carries"},
    {Condition::kBottleneck, "bottleneck", true, "more replicas do not help: something else is slow"},
    {Condition::kHeadroomShort, "headroom_short", true,
     "the goal is not kept: max_headroom allows no more to stand by"},
    {Condition::kCutOff, "cut_off", true, "a job takes longer than a replica is given to end"},
    {Condition::kKilled, "killed", true, "replicas do not end when they are told to, and are killed"},
    {Condition::kPaused, "paused", false, "paused by a person"},
    {Condition::kScaledByHand, "scaled_by_hand", false, "a person set the number of replicas"},
    {Condition::kBoundsByHand, "bounds_by_hand", false, "a person set other bounds"},
    {Condition::kStoppedByHand, "stopped_by_hand", false, "stopped by a person"},
    {Condition::kDryRun, "dry_run", false, "dry run: nothing is started or stopped"},
    {Condition::kApproval, "approval", false, "a change waits for a person's yes"},
    {Condition::kPollingOnly, "polling_only", false, "at zero replicas the queue is only polled"},
}};

inline constexpr const ConditionInfo& info(Condition c) { return kConditions[static_cast<std::size_t>(c)]; }

/// One that holds now, with what is known of it beyond the words ("nats: timeout; since 14:02:11"); may be empty.
struct Holding {
  Condition condition;
  std::string detail;
};
using Holdings = std::vector<Holding>;  ///< in the table's order

inline bool has(const Holdings& all, Condition c) {
  for (const auto& h : all) {
    if (h.condition == c) return true;
  }
  return false;
}

}  // namespace docktor
