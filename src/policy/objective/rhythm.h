// Loads that repeat: a burst each minute, a batch each quarter of an hour. Found, followed, and used only
// once the forecast has proved itself on this very service.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "core/time.h"
#include "policy/objective/arrivals.h"

namespace docktor::objective {

/// Arrivals in bins of one width; their autocorrelation, forgotten over the length of the history, tells the
/// period. The forecast of a bin is the mean of those one, two and three periods before. It is held against
/// the level that was known at the time when an order would have had to be made: proven means half its
/// squared error or less, over the last periods. What is proven is as of the bin before the newest, so that
/// more arrivals never lower what rests on it. Not thread-safe; memory is bounded.
class Rhythm {
 public:
  static constexpr std::size_t kBins = 1000;
  static constexpr std::size_t kLongest = 330;  ///< bins of a period

  /// `width`: seconds of a bin.
  explicit Rhythm(double width);

  /// A sample of arrivals; `level`: what is known as their level; `ahead`: seconds for which an order must
  /// look ahead.
  void add(const Slot& slot, double level, double ahead);

  bool proven() const { return proven_; }
  double period() const { return static_cast<double>(period_) * width_; }  ///< seconds; 0 = none

  /// Messages per second that are expected `ahead` seconds after `now`; only while a period is known.
  double rate(Time now, double ahead) const;

  /// Forecast of a complete bin, made as long before it as an order takes, and what came instead; messages
  /// per second, and seconds.
  struct Miss {
    double forecast = 0, came = 0, length = 0;
  };
  const std::deque<Miss>& misses() const { return misses_; }  ///< newest last

  double width() const { return width_; }
  std::int64_t closed() const { return open_; }  ///< grows by one with each complete bin

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  void close_bin(double level, std::size_t ahead);
  void find_period();
  // Of the bin so many after the newest, by bins at least `made` before it; there is a period.
  double forecast(std::size_t bin, std::size_t made) const;

  double width_;
  std::int64_t open_ = -1;   // number of the bin that is being filled: time over width
  double count_ = 0;         // what came in it so far
  std::deque<double> bins_;  // messages per second, oldest first; the newest is number open_ - 1
  std::array<double, kLongest + 2> products_{};  // decayed sums of products at each lag
  double mean_ = 0;
  std::deque<double> levels_;  // as known at the end of each bin
  std::deque<Miss> misses_;
  std::size_t period_ = 0;
  double rhythm_error_ = 0, level_error_ = 0;  // mean squares
  double seen_ = 0;
  bool proven_ = false, next_proven_ = false;
};

}  // namespace docktor::objective
