// Headroom against what comes faster than replicas start: learned from what would have been needed.
#pragma once

#include <array>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <utility>

#include "policy/objective/arrivals.h"

namespace docktor::objective {

/// An order needs `blind` seconds more to take effect than a message may wait (start-up + check interval +
/// margin - patience). Where that is 0 or less, no headroom is needed: whatever comes, the replicas that are
/// ordered when it is seen are in time. Where it is more, a message that comes at s is begun in time only by
/// replicas that were ordered before s - blind; by Lindley's equation those could do it if together they
/// begin
///
///     r(s) = max over t in [s - blind, s] of arrivals(t, s) / (s - t + patience)   messages a second.
///
/// What r(s) exceeds the level known at s - blind by is the surprise of that message. The headroom is the
/// quantile of the surprises over messages (not over time: a quiet night proves nothing), forgotten over
/// hours. Everything is as of the sample before the newest. Not thread-safe; memory is bounded.
class Surprise {
 public:
  /// After `arrivals` took a sample in. `least`: messages a second that are begun whatever the level.
  void add(const Arrivals& arrivals, double blind, double patience, double least);

  /// One more, of `weight` messages, `length` seconds after the one before. It counts from the next on.
  void add(double surprise, double weight, double length);

  /// Messages per second above the level that all but `share` of the messages would have got by with.
  double headroom(double share) const;

  /// Share of the messages that would not have got by with so much.
  double beyond(double headroom) const;

  /// The newest one, of so many messages; none where nothing came.
  const std::optional<std::pair<double, double>>& newest() const { return next_; }

  /// Mean over time of the levels that were added, messages per second.
  double mean_level() const { return length_ > 0 ? level_sum_ / length_ : 0; }

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  static constexpr int kBins = 180;  // geometric, 12 % each, from 0.01/s

  void count(double surprise, double weight);
  void forget(double length);

  std::array<double, kBins + 1> weights_{};  // [0]: no surprise
  double total_ = 0;
  double level_sum_ = 0, length_ = 0;              // messages, seconds: fading like the weights
  std::optional<std::pair<double, double>> next_;  // the newest sample's, not yet counted
  std::deque<std::pair<Time, double>> levels_;     // the level at each slot's end
};

}  // namespace docktor::objective
