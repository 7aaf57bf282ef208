// What the objective policy learns of starting: how long from an order until the new replica is able to work.
#pragma once

#include <array>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/sample.h"
#include "core/time.h"

namespace docktor::objective {

/// Two parts: from the order until the target calls the replica ready, and from then until it takes its first
/// message (a target that knows nothing of the worker's inside calls it ready early). The second shows only
/// under a backlog, when whoever works has a message in hand.
///
/// Orders are matched with replicas that became ready first come, first served: replicas are alike, so the
/// mean does not depend on who is who. Not thread-safe; memory is bounded.
class StartUp {
 public:
  static constexpr std::size_t kMaxStarting = 4096;

  /// Before anything is learned, `guess` seconds, give or take 30 %: who allows a wait of ten seconds has
  /// workers that start in about five.
  explicit StartUp(double guess) : mean_(guess), variance_(0.09 * guess * guess) {}

  double mean() const { return mean_ + lag_; }  ///< seconds from the order until it works
  double deviation() const;
  double seen() const { return seen_; }  ///< starts behind it, at most 60

  /// An order to have more replicas went out.
  void ordered(Time at) { ordered_at_ = at; }

  void begin(Time at, const ReplicaCounts& now);

  /// Replica-seconds that were able to work between two samples: who became ready is taken to have done so at
  /// its order plus the mean, who was stopped at the first of the two (that is when decisions are carried
  /// out). Call before add().
  double ready_seconds(Time before_at, const ReplicaCounts& before, Time at,
                       const ReplicaCounts& after) const;

  /// Successive counts, as samples show them.
  void add(Time before_at, const ReplicaCounts& before, Time at, const ReplicaCounts& after);

  /// Under a backlog: that many of the ready replicas have taken no message, at a sample `length` after the
  /// one before. Without a backlog nothing can be told, and all are taken to work.
  void idle(Time at, Duration length, int replicas, bool backlog);

  /// Instants at which the replicas that are starting were ordered, oldest first.
  const std::deque<Time>& starting() const { return starting_; }
  /// When the last order went out that no sample has shown yet.
  const std::optional<Time>& ordered_at() const { return ordered_at_; }
  /// Samples at which those were first ready that have not worked yet, oldest first; empty while they work at
  /// once.
  const std::deque<Time>& warming() const;

  /// Seconds until a replica that was ordered `age` seconds ago is able to work: three equally likely values.
  std::array<double, 3> remaining(double age) const;
  /// The same for one that became ready `age` seconds ago.
  std::array<double, 3> remaining_lag(double age) const;

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  void learn(double delay, double blur);

  double mean_;
  double variance_;
  double seen_ = 0;
  double lag_ = 0;  // mean of the second part
  std::optional<Time> ordered_at_;
  std::deque<Time> starting_;
  std::deque<Time> warming_;
};

}  // namespace docktor::objective
