// The limits one by one: what each makes of a recommendation. For limits.cc alone.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "core/advice_budget.h"
#include "core/decision.h"
#include "core/policy.h"
#include "core/spec.h"

namespace docktor {

/// What the configuration says.
struct LimitRules {
  explicit LimitRules(const ServiceSpec& spec);

  std::string service;
  LimitsSpec spec;
  bool has_queue;
  bool steps_bind;
  bool rules_alone;
  Duration stale_after;
  Duration window;
};

/// What is remembered from one evaluation to the next.
struct LimitMemory {
  explicit LimitMemory(const ServiceSpec& spec) : budget(spec) {}

  std::optional<int> last_current;
  std::optional<std::pair<Time, int>> ordered;  ///< when the last order went out, and its target
  std::optional<Time> last_change;
  std::optional<Time> stepped_up;                ///< when the last scale-up went out
  std::deque<std::pair<Time, int>> recommended;  ///< for stabilization, within its window
  std::optional<Time> judged;                    ///< the queue sample that the evaluation before rested on
  AdviceBudget budget;
  std::optional<Time> put_off_until;  ///< advice: no scale-down before
  std::string put_off_why;
  std::optional<Time> in_hand_since;  ///< at zero replicas: since when messages are in hand
  std::optional<Time> empty_since;    ///< since when nothing is pending, where what is in hand is not told
};

/// Takes a recommendation through all limits, in the order of limits.h. Pure but for `memory`.
Decision limited(const LimitRules& rules, LimitMemory& memory, Time now, const Situation& situation,
                 const Overrides& overrides, Recommendation recommendation, std::optional<int> alone);

}  // namespace docktor
