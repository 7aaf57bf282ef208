// What the peers share: a period kept on the time that is passed in, moving means, and how they hold.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "core/policy.h"

namespace docktor::peers {

/// Says at which of the calls a period has passed. The first call is due.
class Every {
 public:
  explicit Every(Duration period) : period_(period) {}

  bool due(Time now) {
    if (next_ && now < *next_) return false;
    // A late call does not shift the beat; after a silence of a period or more it begins anew.
    next_ = (next_ && now - *next_ < period_ ? *next_ : now) + period_;
    return true;
  }

 private:
  Duration period_;
  std::optional<Time> next_;
};

/// Σ amounts / Σ weights over the last `window`, in constant time per sample.
class MovingMean {
 public:
  explicit MovingMean(Duration window) : window_(window) {}

  void add(Time at, double amount, double weight) {
    entries_.push_back({at, amount, weight});
    amount_ += amount;
    weight_ += weight;
  }

  /// Nothing when the window (newer than now - window) holds no sample.
  std::optional<double> mean(Time now) {
    while (!entries_.empty() && entries_.front().at <= now - window_) {
      amount_ -= entries_.front().amount;
      weight_ -= entries_.front().weight;
      entries_.pop_front();
    }
    if (entries_.empty()) amount_ = weight_ = 0;  // what rounding left
    if (!(weight_ > 0)) return std::nullopt;
    return amount_ / weight_;
  }

 private:
  struct Entry {
    Time at;
    double amount;
    double weight;
  };
  Duration window_;
  std::deque<Entry> entries_;
  double amount_ = 0;
  double weight_ = 0;
};

/// Arrivals (or whatever flows) per second over a window.
inline void add_arrivals(MovingMean& mean, const Observation& sample) {
  if (sample.flow) mean.add(sample.at, sample.flow->arrivals, to_seconds(sample.flow->length));
}

inline double backlog(const Situation& in) { return static_cast<double>(in.latest.queue.num_pending); }

/// None of the peers acts on what it cannot see.
inline bool blind(const Situation& in) { return !in.latest.queue_at || in.latest.queue_stale; }

inline Recommendation want(int replicas, std::string reason) {
  Recommendation r;
  r.wanted = replicas;
  r.reason = std::move(reason);
  return r;
}

/// Keeps what there is. `no_data`: for want of a sample.
inline Recommendation hold(const Situation& in, std::string reason, bool no_data = false) {
  Recommendation r = want(in.replicas.current, std::move(reason));
  r.no_data = no_data;
  return r;
}

/// A peer that decides each `period` and leaves things as they are in between.
class Periodic : public Policy {
 public:
  explicit Periodic(Duration period) : every_(period) {}

  Recommendation recommend(const Situation& in) final {
    if (blind(in)) return hold(in, "no fresh sample", true);
    if (!every_.due(in.now)) return hold(in, "not due");
    return decide(in);
  }

 private:
  virtual Recommendation decide(const Situation& in) = 0;

  Every every_;
};

/// The bounds that the peer itself was given, and the goal that its user has.
struct Goal {
  explicit Goal(const ServiceSpec& s)
      : min_replicas(s.limits.min_replicas),
        max_replicas(s.limits.max_replicas),
        max_wait(to_seconds(s.objective.value_or(ObjectiveSpec{}).max_wait)) {}

  /// So large a share of what a replica works off within max_wait; one message at least, since more replicas than
  /// messages are of no use to anybody.
  double messages(double share, double capacity) const { return std::max(1.0, share * max_wait * capacity); }

  int min_replicas;
  int max_replicas;
  double max_wait;  ///< seconds
};

}  // namespace docktor::peers
