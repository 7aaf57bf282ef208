// What the objective policy learns of the arrivals: their present level, how clumped they are, and when those
// that wait came.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <utility>
#include <vector>

#include "core/seen_waiting.h"
#include "core/time.h"

namespace docktor::objective {

/// Messages that came between two samples.
struct Slot {
  Time end{};
  Duration length{};  ///< > 0
  double count = 0;   ///< whole, so that sums are exact
};

/// A part of the backlog: messages that came evenly between two instants, oldest part first.
struct Waiting {
  double count = 0;
  double oldest = 0;  ///< seconds since its first message came
  double newest = 0;  ///< seconds since its last message came
};

/// Level: the mean over the longest window is taken as a first guess; each shorter window, down to the last
/// sample, pulls it to the nearest edge of its own confidence interval. So a level that holds is known as
/// well as the whole history allows, a jump is followed as soon and as far as the newest samples prove it,
/// and clumps, which widen the intervals, are not mistaken for it. Every step is monotone in every sample:
/// one sample with more arrivals never lowers the level. (Cf. the intersection of confidence intervals,
/// Goldenshluger and Nemirovski 1997, which is not monotone.)
///
/// Dispersion: the variance of counts over their mean (1 = Poisson), from successive differences, so that
/// neither a trend nor a jump now and then passes for noise. It and the level's error are those of the sample
/// before, which keeps the level, and all that rests on it, monotone in the newest sample. Not thread-safe;
/// memory is bounded.
class Arrivals {
 public:
  static constexpr std::size_t kMaxSlots = 600;

  /// Windows of less than so many seconds are not looked at: a sample may come right after another one (a message woke
  /// docktor, or it has just begun), and what came together would look like a high rate.
  explicit Arrivals(double shortest = 0) : shortest_(shortest) {}

  void add(const Slot& slot);
  /// What waits at a sample, for all samples, those without a slot as well.
  void see(Time at, double pending) { seen_waiting_.see(at, pending); }
  /// What was seen to wait before bounds the age of nothing that waits now.
  void forget_seen() { seen_waiting_.clear(); }

  bool known() const { return !slots_.empty(); }
  double level() const { return level_; }  ///< messages per second
  double firm_level() const {
    return firm_level_;
  }  ///< the same, moved by stronger evidence only: for scale-downs
  double dispersion() const { return dispersion_; }  ///< at the scale of a sample, at least 1
  double error() const { return error_; }            ///< standard error of the level, messages per second
  const std::deque<Slot>& slots() const { return slots_; }  ///< oldest first

  /// What came since an instant: messages per second, and the standard error of that.
  std::pair<double, double> rate_since(Time since) const;

  /// Seconds without an arrival until `now`, as far as the history goes back.
  double quiet_for(Time now) const;

  /// The newest `pending` arrivals, a run a slot, oldest first; ages are at `now`. What is not in the history
  /// counts as old as its begin. Within a slot that is slower than the one before, messages are taken to have
  /// come at the former pace first, so that the end of a burst does not make its messages look younger than
  /// they are. Nothing counts as older than what was seen to wait allows.
  void waiting(double pending, Time now, std::vector<Waiting>& out) const;

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  // What came until the end of a slot, since some instant: what a window holds is the difference of two.
  // Whole numbers, so that it does not depend on the instant, not even when they wrap.
  struct Sum {
    std::uint64_t count = 0;
    std::int64_t length = 0;  // nanoseconds
  };

  void append(const Slot& slot);
  void learn_dispersion(const Slot& slot);
  void find_level();

  void bound_ages(Time now, std::vector<Waiting>& waiting) const;

  double shortest_;
  SeenWaiting seen_waiting_;
  std::deque<Slot> slots_;
  std::deque<Sum> sums_{{}};  // before the first slot, then after each
  double level_ = 0;
  double firm_level_ = 0;
  double error_ = 0;  // as of the sample before, like the dispersion
  double next_error_ = 0;
  double dispersion_ = 2;  // cautious before anything is learned
  double next_dispersion_ = 2;
  double seen_ = 0;  // samples behind the dispersion, capped
};

}  // namespace docktor::objective
