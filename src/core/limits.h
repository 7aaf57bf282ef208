// Bounds, step sizes, cooldown, stabilization, freshness: what turns a recommendation into a decision.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "core/decision.h"
#include "core/limit_steps.h"
#include "core/policy.h"
#include "core/spec.h"

namespace docktor {

/// In this order, each step recorded in Decision::limits when it changes the outcome:
///  1. override       stopped by hand, a target that cannot be acted on, or that wants no order now: hold
///  2. bounds         (a person's, else the calendar's, else the configuration's) current below min: to min;
///                    current above max: to max (on stale data one an interval)
///  3. held           a person paused the service or said how many: that, within the bounds
///  4. freshness      a stale sample, the one of the evaluation before, or one that began a new window: hold
///  5. paused         the queue gives nothing out: hold
///  6. wake           at zero with work: one replica; never down to zero with work left
///  7. gap            within the first window after a time without samples: no scale-down
///  8. starting       rules: no step up while replicas of the last one are starting, five minutes at most
///  9. failing        replicas that exit at once: no scale-up. not_placed: replicas wait for room: likewise.
///                    useful_replicas: no more than the queue can feed
/// 10. steps          at most scale_up_by / scale_down_by (an objective only where the user wrote them)
/// 11. stabilization  no lower than the highest recommendation of that long
/// 12. cooldown       measured from the last change of `current`, whoever made it
/// 13. rebalance     of a queue whose consumers stand still after each change (core/rebalance.h): no scale-up before
///                    that of the last change is over, no scale-down within a few times its length
/// 14. advice         while a model's advice puts scale-downs off, and its budget lasts: hold; never fewer
///                    replicas than the policy would have by now, had there been no advice; and no more once
///                    the budget is used up (steps and cooldown are kept on the way without advice)
/// 15. host_memory, host_cpu  no scale-up beyond what this machine carries; min_replicas, the first replica and
///                    a person's number are not held up
/// 16. max_total_replicas  what others are owed is given up; and below, no scale-up beyond what they leave,
///                    whatever asks for it
///     min, max, and at least one where the queue is unfit for zero
/// 17. approval       manual: what mends the bounds goes out, anything else waits for a person
///                    (needs_approval)
/// Deterministic; not thread-safe.
class Limits {
 public:
  explicit Limits(const ServiceSpec& spec);

  /// Called once per evaluation, after the policy. A hold's reason names the limit that caused it. `alone`:
  /// replicas that there would be without advice, where that is known.
  Decision apply(Time now, const Situation& situation, const Overrides& overrides,
                 Recommendation recommendation, std::optional<int> alone = std::nullopt);

  /// These limits where no advice was given.
  Limits without_advice() const;
  /// Goes on with what `alone`, such a copy, remembers: changes and recommendations.
  void go_on_as(const Limits& alone);

  /// Whether a model may have a say: the policy's own scale-up, or scale-down within the bounds.
  bool open_to_advice(const Decision& d, const Overrides& overrides) const;

  /// The last decision of apply(), or one that followed from it, as advice leaves it; with its verdict. `now`
  /// is that decision's instant.
  Decision advise(Time now, Decision d, const Advice& advice, const Overrides& overrides);

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state, Time now);

 private:
  std::pair<int, int> bounds(const Overrides& overrides) const;

  LimitRules rules_;
  LimitMemory memory_;
};

}  // namespace docktor
