// What the objective policy learns of one replica's capacity: messages per second of work, whether or not it
// is ever idle.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "policy/objective/evidence.h"

namespace docktor::objective {

/// Settled messages over busy replica-seconds (the "true rate" of DS2, Kalavri et al. 2018), forgotten over
/// minutes.
///
/// While messages wait that any idle worker would have taken, every replica that works is busy: that is
/// exact. Else a worker is busy for as long as it has as much in its hand as then, so the messages in hand
/// count the busy ones, but at the instants of the samples only: such samples weigh little once better ones
/// are there. Where workers prefetch, messages in hand hide idleness: then they only tell what a replica does
/// at least. A change (a new version, a slow disk) is noticed by a CUSUM test on what each sample settled
/// against what was expected (Page 1954); then the memory begins anew from where the change began, but for a
/// sudden rise to a multiple, which must show twice. Not thread-safe.
class Capacity {
 public:
  /// `prefetch`: workers take more than one message at a time.
  void add(const Span& span, bool prefetch);

  double rate() const;           ///< messages per second per busy replica; 0 while unknown
  double confidence() const;     ///< standard error over the rate; 1 while unknown
  double cautious_rate() const;  ///< rate() less its error while it is a first impression
  bool known() const { return memory_.settled >= 3; }
  bool learned() const { return memory_.settled > 200; }  ///< more than a first impression
  /// Share of what it rests on that replicas did which may have been warming up; 0 while unknown.
  double by_young() const { return memory_.busy > 0 ? memory_.young / memory_.busy : 0; }
  double spread() const { return spread_; }  ///< variance of settled counts over their mean

  /// What is known from elsewhere, in place of what was learned: messages/s of a replica, and the error of that over it.
  void told(double rate, double error);

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  struct Memory {
    double settled = 0;
    double busy = 0;   // replica-seconds
    double noise = 0;  // variance of `busy`, where it is not known exactly
    double young = 0;  // of `busy`: by replicas that may have been warming up
    double rate() const { return busy > 0 ? settled / busy : 0; }
    void take(const Memory& more, double weight);
    void fade(double keep);
  };
  struct Cusum {
    double sum = 0;
    Memory since;  // all that came since the sum left 0
    bool alarmed(double score, const Memory& more);
  };
  void test(const Memory& more);
  void begin_anew(const Memory& from);

  Memory memory_;
  Cusum faster_, slower_;
  void take_bound(const Span& span);

  Memory bound_;       // of the last seconds, as if all that may have been busy were
  Memory rise_;        // a rise to a multiple that has shown once
  double spread_ = 1;  // variance of settled counts over their mean
};

}  // namespace docktor::objective
