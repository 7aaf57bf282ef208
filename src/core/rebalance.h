// How long a queue's consumers stand still when their number changes, learned from what is seen of it.
#pragma once

#include <cstdint>
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
/// number of replicas changed and none followed within a minute (the workers have another assignor by now).
///
/// Only what follows a change of the replicas is a measure of what the next change costs. A worker that was killed keeps its
/// partitions until its session is over, and for so long the one in its place makes all the others wait: that one comes
/// without a change, or with more consumers than there are replicas to explain them. Not thread-safe.
class RebalanceMeter {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(60);  ///< that is believed

  /// At each sample of the queue: whether it shows a rebalance under way, and its consumers, where they are told.
  void observe(Time at, int replicas, bool rebalancing, std::optional<std::uint64_t> consumers = {});
  const Rebalances& seen() const { return seen_; }

  /// Leaves `state` as it is where no rebalance was ever seen.
  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state, Time now);

 private:
  void believe(Duration length);
  void end(Time at);

  Rebalances seen_;
  std::optional<Time> began_;    ///< of the one that is under way
  bool ours_ = false;            ///< it follows a change, and no consumer is there that died
  std::optional<Time> changed_;  ///< the number of replicas, and none was seen since
  std::optional<Time> ordered_;  ///< the number of replicas last changed
  std::optional<int> replicas_;
  std::int64_t others_ = 0;  ///< consumers beyond the replicas, in calm: somebody else's
};

}  // namespace docktor
