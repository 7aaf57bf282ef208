// What came and what was done, of a queue that counts neither: from what waits and what is in hand alone.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/observation.h"
#include "policy/objective/evidence.h"

namespace docktor::objective {

/// What waits and what is in hand tell only the difference of what came and what was done. By Little's law
/// A messages in hand, each for T seconds, are finished at A / T a second; with T known, the rest follows. T is
/// held as a list of candidates, each with how well it explains what was seen:
///
/// - While messages wait, every hand is full. As replicas come and go, with the true T the arrivals that follow
///   from it change least; and they are never negative.
/// - Otherwise, what left was done in the time that it was in hand, so T is no more than that (times what one
///   replica holds, since what waits in a hand counts as in it); and the shorter T is, the less are the messages
///   in hand at one sample those of the sample before.
///
/// Loads change by themselves, often just when replicas do: what is told of T is the longer the less it is known.
/// docs/objective.md has what this costs against a queue that counts. Not thread-safe; constant memory and time.
class NetFlow {
 public:
  struct Capacity {
    double rate;   ///< messages a second of a replica
    double error;  ///< standard error over it, as far as the plan depends on it
  };

  /// Messages between two samples. Messages that waited `idle_wait` seconds would have been taken by an idle
  /// replica; `steady`: none has come or gone for a while. Nothing where no time lies between the two.
  std::optional<Flow> between(const Gauges& before, const Gauges& after, double idle_wait, bool steady);

  /// What comes is not held against what came before.
  void gap() { in_a_row_ = lately_seen_ = 0; }

  std::optional<Capacity> capacity() const;  ///< nothing until messages have waited
  double in_hand_for() const;                ///< T, seconds; 0: not known at all
  double error() const { return error_; }    ///< standard deviation of the logarithm of T

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  static constexpr std::size_t kTimes = 72;
  using ByTime = std::array<double, kTimes>;

  static double time(std::size_t i);
  void learn_hand(double per_replica, double idle_waits);
  void learn_full(double in_hand, double net, double length);
  void learn_idle(const Gauges& before, const Gauges& after, double length);
  double against(std::size_t i) const;
  void weigh(double follow);

  // While messages wait.
  ByTime evidence_{};    // logarithm of the likelihood
  ByTime arrivals_{};    // a second, by each candidate
  double in_a_row_ = 0;  // samples
  double noise_ = 0;     // variance of the changes of the arrivals, by the best candidate
  double begun_ = 0, begun_held_ = 0, begun_net_ = 0;  // the first of all: samples, message-seconds, messages

  // While none waits; of the last hundred samples or so.
  std::array<double, 5> lately_{};      // messages in hand, newest last
  double lately_seen_ = 0;              // samples in a row
  double paces_ = 0, pace_ = 1;         // samples, seconds between two
  double change_1_ = 0, change_4_ = 0;  // mean square of the change in hand over one sample, and over four
  double left_ = 0, held_ = 0;          // messages, message-seconds

  bool known_ = false;
  double log_time_ = 0, error_ = 0;
  double hand_ = 0;    // messages of one replica while others wait
  double smooth_ = 0;  // messages in hand
};

}  // namespace docktor::objective
