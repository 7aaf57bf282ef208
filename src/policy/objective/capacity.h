// What the objective policy learns of one replica's capacity: messages per second of work, whether or not it
// is ever idle.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/observation.h"

namespace docktor::objective {

/// What one sample showed, as far as the capacity depends on it.
struct Gauges {
  Time at{};
  ReplicaCounts replicas;
  double pending = 0;
  double in_hand = 0;
};

/// Settled messages over busy replica-seconds (the "true rate" of DS2, Kalavri et al. 2018), forgotten over
/// minutes.
///
/// While a backlog stands, every ready replica is busy: that is exact. Without one, a worker that takes one
/// message at a time is busy while it has one in its hand, so num_ack_pending counts the busy ones, but at
/// the instants of the samples only: such samples weigh little once better ones are there. Where workers
/// prefetch, messages in hand hide idleness, and only the former count. A change (a new version, a slow disk)
/// is noticed by a CUSUM test on what each sample settled against what was expected (Page 1954); then the
/// memory begins anew from where the change began. Not thread-safe.
class Capacity {
 public:
  /// `before` and `after` are what successive samples showed, `flow` what passed between them,
  /// `ready_seconds` how long replicas were able to work meanwhile, summed up.
  void add(const Gauges& before, const Gauges& after, const Flow& flow, double ready_seconds);

  double rate() const;        ///< messages per second per busy replica; 0 while unknown
  double confidence() const;  ///< standard error over the rate; 1 while unknown
  bool known() const { return memory_.settled >= 3; }
  bool learned() const { return memory_.settled > 200; }  ///< more than a first impression
  double in_hand() const { return in_hand_; }             ///< messages that a busy replica holds, at least 1

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  struct Memory {
    double settled = 0;
    double busy = 0;   // replica-seconds
    double noise = 0;  // variance of `busy`, where it is not known exactly
    void take(const Memory& more, double weight);
    void fade(double keep);
  };
  struct Cusum {
    double sum = 0;
    Memory since;  // all that came since the sum left 0
    bool alarmed(double score, const Memory& more);
  };
  void test(const Memory& more);

  Memory memory_;
  Cusum faster_, slower_;
  double spread_ = 0.5;  // variance of settled counts over their mean
  double in_hand_ = 1;
};

}  // namespace docktor::objective
