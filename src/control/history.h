// What a service was, step by step, in little room: equal steps in a row are kept as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/time.h"

namespace docktor {

/// One step of the history of a service. What was not known is NaN.
struct HistoryPoint {
  float t = 0;  ///< seconds after the board's beginning
  float backlog = 0, rate_in = 0, rate_out = 0, oldest_wait = 0;
  float current = 0, ready = 0, target = 0, min = 0, max = 0;
};

/// Points of a stretch of time as at most `most` steps of equal length, each the newest point in it with the greatest
/// backlog and wait of all of them: what was bad for a moment stays to be seen. Not thread-safe.
class HistorySteps {
 public:
  HistorySteps(float from, float to, std::size_t most);

  /// In order of time.
  void put(const HistoryPoint& point);
  std::vector<HistoryPoint> done() { return std::move(steps_); }

 private:
  float from_, length_;
  long step_ = -1;  // of the last in steps_
  std::vector<HistoryPoint> steps_;
};

/// The last `most` points, `step` apart: a day of a queue that is idle takes as much as a minute. Not thread-safe.
class History {
 public:
  History(Duration step, std::size_t most) : step_(step), most_(most) {}

  /// Whether a point is due at `at`; put() is to follow.
  bool due(Time at);
  void put(const HistoryPoint& point);

  bool full() const { return points_ >= most_; }
  float begin() const { return runs_[begin_].first.t; }  ///< of the oldest point; there is one

  /// Appends the points of that time, oldest first.
  void read(float from, float to, std::vector<HistoryPoint>& out) const;

 private:
  struct Run {
    HistoryPoint first;
    float last = 0;  // t of its last point
    std::uint32_t count = 1;
    float t(std::uint32_t i) const {
      return count < 2 ? first.t
                       : first.t + (last - first.t) * static_cast<float>(i) / static_cast<float>(count - 1);
    }
  };
  const Duration step_;
  const std::size_t most_;
  std::vector<Run> runs_;
  std::size_t begin_ = 0;  // those before it are gone
  std::size_t points_ = 0;
  std::optional<Time> last_;
};

}  // namespace docktor
