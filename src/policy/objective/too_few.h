// Memory of how many replicas were too few for which load: what keeps a constant load from being tried again
// and again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/time.h"
#include "policy/objective/in_use.h"

namespace docktor::objective {

/// Whenever replicas must be added, those that were ready while the backlog grew were too few for what came
/// meanwhile. The same load will not be given to so few again for some hours, unless it is less now by more
/// than the errors of both estimates. What came is counted over the time in which the backlog grew: a short
/// clump, which says little, has a wide error.
///
/// Where a job takes long or messages are few, these errors are so wide that they would forbid each scale-down for
/// hours. So fewer are tried all the same once no more of them had work at once for the time of some starts; where they
/// are too few again, that time grows, until the load is less. Not thread-safe; memory is bounded.
class TooFew {
 public:
  /// Called each sample. `backlog`: more wait than idle workers explain.
  void seen(Time now, int ready, bool backlog);

  /// Since when the present backlog has grown from nothing.
  Time grows_since() const { return since_; }

  /// More were needed for this load (in replicas' worth; `error` is its standard error), which came since
  /// grows_since().
  void note(Time now, double load, double error);

  /// The fewest replicas that may be tried for this load, where so many had work at once and a start takes
  /// `start` seconds.
  int least(Time now, double load, double error, const InUse& in_use, double start);

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  struct Entry {
    int replicas = 0;
    double load = 0;
    double error = 0;
    Time at{};
    double starts = 0;  // for which no more than `replicas` must have had work, before they are tried again
  };
  std::vector<Entry> entries_;  // at most one for each number of replicas
  Time since_{};
  int ready_ = 0;  // the fewest that were ready since then
};

}  // namespace docktor::objective
