// A policy's recommendation, and the decision that limits make of it, each with its evidence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/advice.h"
#include "core/observation.h"
#include "core/spec.h"
#include "core/time.h"

namespace docktor {

enum class Action { kHold, kScaleUp, kScaleDown };
std::string_view to_string(Action a);  ///< "hold", "scale_up", "scale_down"

/// A rule that held, and the value that it saw.
struct MatchedRule {
  std::string when;  ///< "scale_up_when" or "scale_down_when"
  Rule rule;
  double value = 0;
};

/// How many replicas a policy wants, and why. `wanted` may lie outside the bounds; limits see to that.
struct Recommendation {
  int wanted = 0;
  std::string reason;
  std::vector<MatchedRule> matched_rules;
  std::vector<std::pair<std::string, double>> numbers;  ///< what the policy computed or learned, for explain
  bool no_data = false;  ///< the policy lacked what it needs: only bounds and wakes may move the service
};

/// A limit that changed the outcome: from what to what, and why.
struct AppliedLimit {
  std::string name;
  int from = 0;
  int to = 0;
  std::string detail;
};

struct Decision {
  Time at{};
  std::string service;
  Action action = Action::kHold;
  int current = 0;
  int target = 0;
  std::string reason;
  Observation observation;  ///< the window's means, on which the decision rests
  Recommendation recommendation;
  std::vector<AppliedLimit> limits;
  bool wake = false;                     ///< from zero, since there is work
  bool needs_approval = false;           ///< not to be carried out before a person says yes
  Verdict verdict = Verdict::kNotAsked;  ///< of a language model's advice on it
  std::string verdict_detail;            ///< why it was clamped, ignored or unavailable
};

/// Bounds that a person set in place of the configuration's.
struct Bounds {
  int min = 0;
  int max = 0;
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

/// Bounds of the calendar in place of the configuration's usual ones.
struct ScheduledBounds {
  Bounds bounds;
  std::string why;  ///< "schedule 0 8 * * 1-5, until Mon 18:00 Europe/Berlin"
  friend bool operator==(const ScheduledBounds&, const ScheduledBounds&) = default;
};

/// What other services leave of max_total_replicas, or the machine of its memory and cores.
struct Room {
  int most = 0;  ///< that the service may have
  std::string why;
  friend bool operator==(const Room&, const Room&) = default;
};

/// What people and programs put on top of policies. Part of a decision's inputs, so that it can be
/// reproduced.
struct Overrides {
  std::string stopped_by_hand;  ///< not empty: the service is left alone, and this text says since when
  std::string problem;          ///< not empty: the target cannot be acted on; hold, with this reason
  std::string target_hold;      ///< not empty: why the target wants no order now; hold, with this reason
  std::string not_placed;       ///< not empty: replicas wait for room; add none
  std::string
      queue_silent;  ///< not empty: the queue was asked again since its last sample and did not answer; no less
  std::string part_waits;  ///< not empty: what waits in some queues while others are silent; from zero it
                           ///< is enough to start the first replica
  std::string
      unfit_for_zero;  ///< not empty: why the queue would lose messages at zero replicas; min is then 1
  std::string
      held;  ///< not empty: the policy does not count ("paused by ann until ..."); the bounds still do
  std::optional<int> replicas;   ///< beside `held`: how many a person wants; without, as many as there are
  std::optional<Bounds> bounds;  ///< a person's, in place of min_replicas and max_replicas
  std::optional<ScheduledBounds> scheduled;  ///< likewise, where a person set none
  std::optional<Room> room;                  ///< fewer than max_replicas are left for it
  /// More than these the machine does not carry (core/host.h). They bound a rise, and nothing else.
  std::optional<Room> host_memory, host_cpu;
  bool approval = false;  ///< manual: what goes beyond mending the bounds waits for a person's yes
  friend bool operator==(const Overrides&, const Overrides&) = default;

  /// In effect: a person's, else the calendar's, else the configuration's.
  Bounds bounds_over(const LimitsSpec& usual) const {
    if (bounds) return *bounds;
    if (scheduled) return scheduled->bounds;
    return {usual.min_replicas, usual.max_replicas};
  }
};

}  // namespace docktor
