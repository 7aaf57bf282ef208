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
/// - While messages wait, every hand is full: the queue grows by what comes less what those hands do. While some are
///   idle, what is in hand is what comes times T. Each candidate follows the arrivals that it makes of this; with the
///   true T they change least as replicas come and go, and as a backlog begins and ends. They are never negative.
/// - No more is done than all hands can do. What left was done in the time that it was in hand, so T is no more than
///   that (times what one replica holds, since what waits in a hand counts as in it); and the shorter T is, the less
///   are the messages in hand at one sample those of the sample before.
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
  void gap() {
    followed_ = false;
    lately_seen_ = 0;
  }

  std::optional<Capacity> capacity() const;  ///< nothing until messages have waited
  double in_hand_for() const;                ///< T, seconds; 0: not known at all
  double error() const { return error_; }    ///< standard deviation of the logarithm of T

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  static constexpr std::size_t kTimes = 72;
  using ByTime = std::array<double, kTimes>;

  enum class Hands {
    kFull,      // surely, all the time
    kSeemFull,  // at both ends, and many wait
    kNone,      // nobody works
    kMixed,     // full for a part of the time, or nobody knows
    kSpare,     // some are idle
  };
  // One observation as a candidate sees it, in messages.
  struct Seen {
    double miss;      // what was seen less what was expected
    double per_rate;  // of what was expected, for each message a second that comes
    double chance;    // variance
    double blur = 0;  // likewise, of this candidate alone
  };

  static double time(std::size_t i);
  std::size_t best() const;
  Hands hands(const Gauges& before, const Gauges& after, double length, double idle_wait) const;
  void learn(const Gauges& before, const Gauges& after, double length, Hands hands);
  void learn_hand(double per_replica, double idle_waits);
  void learn_full(const Gauges& before, const Gauges& after, double grown, double length);
  void learn_spare(const Gauges& before, const Gauges& after, double length);
  void learn_mixed(double hands, double grown, double length);
  void learn_idle(const Gauges& before, const Gauges& after, double length);
  template <class See>
  void follow(const See& see, double fade, double weight);
  double against(std::size_t i) const;
  void weigh(double follow);

  ByTime evidence_{};                                  // logarithm of the likelihood
  ByTime arrivals_{};                                  // a second, by each candidate
  ByTime unsure_{};                                    // their variance
  bool followed_ = false;                              // there are arrivals to hold a sample against
  double noise_ = 1;                                   // square of the surprises over what chance explains
  double spare_ = 0;                                   // samples with idle hands since the last without
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
