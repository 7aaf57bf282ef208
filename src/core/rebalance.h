// How long a queue's consumers stand still when their number changes, learned from what is seen of it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/time.h"

namespace docktor {

/// What is known of a queue's rebalances. Most queues have none.
struct Rebalances {
  Duration length{};         ///< that one is taken to last; 0: none was seen
  std::optional<Time> over;  ///< when the last one was seen to be over
};

/// So many lengths after a change are the soonest for fewer replicas: a rebalance for nothing is the dearest.
inline constexpr int kRebalancesBeforeFewer = 3;

/// A longer rebalance is believed at once, a shorter one by half of the difference; and half is forgotten where the
/// number of replicas changed and none followed within a minute (the workers have another assignor by now). Not
/// thread-safe.
class RebalanceMeter {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(60);  ///< that is believed

  /// At each sample of the queue: whether it shows a rebalance under way.
  void observe(Time at, int replicas, bool rebalancing);
  const Rebalances& seen() const { return seen_; }

  /// Leaves `state` as it is where no rebalance was ever seen.
  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state, Time now);

 private:
  void believe(Duration length);

  Rebalances seen_;
  std::optional<Time> began_;    ///< of the one that is under way
  std::optional<Time> changed_;  ///< the number of replicas, and none was seen since
  std::optional<int> replicas_;
};

}  // namespace docktor
