// Estimates how long messages wait, from what a queue tells anyway: how many came, and how many still wait.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "core/observation.h"
#include "core/seen_waiting.h"
#include "core/time.h"

namespace docktor {

/// Upper bounds of the buckets, in seconds; the last one is beyond all of them.
inline constexpr std::array<double, 11> kWaitBuckets{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800};

/// What was seen so far, from 0; plain counters.
struct WaitTotals {
  /// Messages begun with, by their wait, not cumulative; the last is beyond the last bound.
  std::array<double, kWaitBuckets.size() + 1> counts{};
  double sum = 0;   ///< seconds, of all of them
  double late = 0;  ///< begun with after max_wait
  std::uint64_t resets = 0;
};

/// Two cumulative curves: A(t), messages that came, and F(t) = A(t) - backlog, messages that somebody began with.
/// Message number x waited from when A reached x until F did: first come, first served. Its resolution is the
/// time between two samples. What was there before the first sample, or before counters went back, has no
/// known beginning and is not counted; samples whose arrivals are an upper bound are not counted either.
///
/// Not thread-safe. Memory is bounded by kMostPoints: beyond, neighbours become one.
class WaitMeter {
 public:
  static constexpr std::size_t kMostPoints = 512;
  static constexpr int kMostWithout =
      2;  ///< samples in a row that tell no flow, as after a gap; more, and the queue counts none

  explicit WaitMeter(std::optional<Duration> max_wait = std::nullopt) : max_wait_(max_wait) {}

  /// The newest sample, each once, in order of time; what it shows is added to `totals`.
  void observe(const Observation& seen, WaitTotals& totals);

  /// How long the oldest message has waited that nobody has begun with; 0 when none waits, nothing before the
  /// first sample, nor where the queue counts nothing. For what waited before the first sample: at least so long. Never longer than what was seen to wait
  /// before allows.
  std::optional<double> oldest_wait(Time now) const;
  /// What was seen to wait before allows so much; infinite where nothing is known.
  double oldest_at_most(Time now) const;

 private:
  struct Point {
    Time at;
    double came;  ///< A at that instant
  };
  void begin(Time at, double backlog);
  void count(double from, double to, Time begun_from, Time begun_to, WaitTotals& totals) const;
  void put(double wait, double messages, WaitTotals& totals) const;

  std::optional<Duration> max_wait_;
  std::deque<Point> points_;  // from the last one at or below F on
  double unknown_ = 0;        // messages below this number came before we looked
  double came_ = 0, begun_ = 0;
  std::optional<Time> last_;  // where the last flow ended
  int without_ = 0;           // samples in a row without a flow
  SeenWaiting seen_waiting_;
  double backlog_ = 0;
};

}  // namespace docktor
