// How many replica-seconds advice may cost beyond what the policy alone would have used.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/spec.h"
#include "core/time.h"

namespace docktor {

/// The one bound that makes the worst adviser harmless to the bill. The budget grows by a quarter of the
/// replica-seconds that the policy alone would use, up to the present replicas for a minute, and what advice
/// keeps running beyond that is taken from it. With none left, advice has no effect.
///
/// Example: 8 replicas, the policy wants 4, the model cancels each scale-down of one. The policy alone would
/// have 7, 6, 5, 4 after the first checks; so 1, 2, 3, 4 replicas are paid from the budget meanwhile.
///
/// Deterministic; not thread-safe.
class AdviceBudget {
 public:
  explicit AdviceBudget(const ServiceSpec& spec);

  /// Accounts for the time since the tick before, in which there were `current` replicas.
  void tick(Time now, int current);
  /// The policy, with its limits but without advice, went from `current` to `target`.
  void policy_moved(int current, int target);
  /// The same where it is known: the policy alone would have `replicas` now.
  void policy_has(int replicas) { without_ = replicas; }
  bool left() const { return seconds_ > 0; }
  double seconds() const { return seconds_; }  ///< replica-seconds; below 0 when overdrawn

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state, Time now);

 private:
  LimitsSpec limits_;
  bool absolute_;     // the policy says how many, not how many more or less
  double most_;       // replica-seconds
  Duration longest_;  // a longer gap between ticks counts as this: docktor was not there
  double seconds_ = 0;
  std::optional<int> without_;  // replicas that the policy alone would have
  std::optional<Time> at_;
};

}  // namespace docktor
