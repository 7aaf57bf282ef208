// Loads that grow for longer than a start takes: the line through the last samples, used only once it has
// proved itself on this very service.
#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "core/time.h"
#include "policy/objective/arrivals.h"

namespace docktor::objective {

/// A least-squares line through the rates of the samples of half as long again as an order must look ahead.
/// What it says of the instant when an order of now takes effect is held, when that instant has come, against
/// the level that was known when it was said: proven means half its squared error or less, lately, and
/// refuted four fifths. A line that falls is never followed. What is proven is as of the sample before the
/// newest, so that more arrivals never lower what rests on it. Not thread-safe; memory is bounded.
class Trend {
 public:
  /// After `arrivals` took a sample in. `ahead`: seconds from an order until it takes effect.
  void add(const Arrivals& arrivals, double ahead);

  /// Forgets everything.
  void clear() {
    if (!said_.empty()) *this = Trend();
  }

  bool proven() const { return proven_; }

  /// Messages per second `ahead` seconds after the newest sample, by the line; at least 0.
  double rate(double ahead) const;

  /// What was said of each sample as long before it as an order takes, and what came instead; messages per
  /// second, and seconds.
  struct Miss {
    double forecast = 0, came = 0, length = 0;
  };
  const std::deque<Miss>& misses() const { return misses_; }  ///< newest last

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  static constexpr std::size_t kMaxSaid = 2 * Arrivals::kMaxSlots;

  struct Said {
    Time of{};
    double level = 0, forecast = 0;
  };

  void draw_line(const std::deque<Slot>& slots, double length);

  double at_end_ = 0, slope_ = 0;  // messages per second, and a second
  std::deque<Said> said_;          // of instants to come, the next first
  std::deque<Miss> misses_;
  double line_error_ = 0, level_error_ = 0;  // squares, fading
  double judged_ = 0;                        // seconds behind them, fading
  bool proven_ = false, next_proven_ = false;
};

}  // namespace docktor::objective
