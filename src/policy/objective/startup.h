// What the objective policy learns of starting: how long from an order until the new replica works.
#pragma once

#include <array>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/sample.h"
#include "core/time.h"

namespace docktor::objective {

/// A replica passes two points, in either order: the target calls it ready, and it takes its first message. A
/// target that knows nothing of the worker's inside calls it ready early (the container runs, the program
/// still imports); a slow health check calls it ready late. What counts is the second point. It shows under a
/// backlog, by the messages in hand; at other times the first one stands for it, moved by how far apart they
/// were seen.
///
/// Orders are matched with starts first come, first served: replicas are alike, so the mean does not depend
/// on who is who. Not thread-safe; memory is bounded.
class StartUp {
 public:
  static constexpr std::size_t kMaxStarting = 4096;

  /// Before anything is learned, `guess` seconds, give or take 30 %: who allows a wait of ten seconds has
  /// workers that start in about five. `longest_gap`: a start within two samples further apart was not
  /// watched, and teaches nothing.
  StartUp(double guess, double longest_gap)
      : ready_(guess), variance_(0.09 * guess * guess), longest_gap_(longest_gap) {}

  double mean() const;  ///< seconds from the order until it works
  double deviation() const;
  double seen() const { return seen_; }  ///< starts behind it, at most 60
  double offset() const;                 ///< seconds from being called ready until it works; may be negative

  /// An order to have more replicas went out.
  void ordered(Time at) { ordered_at_ = at; }

  void begin(Time at, const ReplicaCounts& now);

  /// Successive counts, as samples show them.
  void add(Time before_at, const ReplicaCounts& before, Time at, const ReplicaCounts& after);

  /// What is known of who works, at the sample of add(). `idle`: under a backlog, how many of the replicas
  /// had nothing in hand; no value: nothing tells.
  void works(Time before_at, Time at, std::optional<int> idle);

  /// A replica that does not work yet, as far as is known.
  struct Coming {
    Time ordered{};
    std::optional<Time> ready;  ///< since when the target has called it ready
  };
  const std::deque<Coming>& coming() const { return coming_; }  ///< oldest first
  /// When those began to work that did so within the last minute, oldest first.
  const std::deque<Time>& young() const { return young_; }
  /// When the last order went out that no sample has shown yet.
  const std::optional<Time>& ordered_at() const { return ordered_at_; }

  /// Seconds until a replica works that was ordered `age` seconds ago, and called ready `ready_for` seconds
  /// ago: three equally likely values.
  std::array<double, 3> remaining(double age, std::optional<double> ready_for) const;

  /// So long after it was called ready, a replica that takes nothing is not waited for any more, in seconds.
  double longest_wait() const;

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  void learn_ready(double delay);
  void learn_work(double delay, double blur);
  void learn_offset(double offset);
  void began_to_work(Time at, bool seen);

  double ready_;       // mean from the order until it is called ready
  double offset_ = 0;  // mean from then until it works
  double variance_;    // of the whole
  double longest_gap_;
  double seen_ = 0, offsets_seen_ = 0;  // capped
  std::optional<Time> ordered_at_;
  std::deque<Time> not_ready_;  // when those were ordered that are not called ready, oldest first
  std::deque<Coming> coming_;
  std::deque<std::optional<Time>>
      early_;  // when those began to work that are not called ready yet; no value: not seen
  std::deque<Time> young_;
};

}  // namespace docktor::objective
