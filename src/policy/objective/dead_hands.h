// Messages in hands that do not work: their consumer died, and nobody claims them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/flow.h"
#include "policy/objective/capacity.h"

namespace docktor::objective {

/// Such messages look like jobs that never end, from which a worker would seem to become slower for ever. What was in hand all
/// the time while nothing was settled and nothing waited, for many times as long as a job takes, is taken for dead until it is
/// settled, and what was learned meanwhile is unlearned. Jobs that only take very long are told from this by what waits: who
/// lives and is free would take it. Not thread-safe.
class DeadHands {
 public:
  /// A sample, with the flow since the one before and what was learned until then; `waiting`: messages waited at both.
  /// Whether more were found dead now: then what is known of the capacity is before().
  bool look(double in_hand, bool waiting, const Flow& flow, const Capacity& capacity, double max_wait);
  void at_most(double in_hand);
  double count() const { return count_; }
  const Capacity& before() const { return before_; }

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  double count_ = 0;
  double held_for_ = 0;  // seconds since something was settled, or nothing was in hand
  double least_ = 0;     // in hand, meanwhile
  Capacity before_;      // as of the begin of that time
};

}  // namespace docktor::objective
