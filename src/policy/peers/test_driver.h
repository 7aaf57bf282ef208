// For tests: walks a peer's policy through seconds, and does at once what it wants.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "core/policy.h"

namespace docktor::peers {

/// What a second brought, and what its end showed.
struct Second {
  std::uint64_t pending = 0;
  std::uint64_t in_hand = 0;
  double arrivals = 0;
  double settled = 0;
};

/// The first call is at second 0, where a sample has no flow yet.
class Driver {
 public:
  Driver(std::unique_ptr<Policy> policy, int current) : current(current), policy_(std::move(policy)) {}

  int current;               ///< replicas; follows what the policy wants
  std::optional<int> ready;  ///< as many as current, unless set

  /// The next second; what the policy wants then.
  int next(const Second& s) {
    Observation o;
    o.at = time_at(at_);
    o.queue_at = o.at;
    o.queue.num_pending = s.pending;
    o.queue.num_ack_pending = s.in_hand;
    o.replicas = {current, ready.value_or(current)};
    if (last_) o.flow = Flow{o.at - *last_, s.arrivals, s.arrivals, s.settled};
    last_ = o.at;
    policy_->observe(o);
    const Recommendation r = policy_->recommend({o.at, o.replicas, o, o});
    ++at_;
    current = r.wanted;
    return r.wanted;
  }

  /// Seconds up to and with `last`, all alike; what the policy wants at the end.
  int until(int last, const Second& s) {
    while (at_ <= last) next(s);
    return current;
  }

  /// The same, where nothing may change before `last`.
  int changes_only_at(int last, const Second& s) {
    const int before = current;
    EXPECT_EQ(until(last - 1, s), before) << "before second " << last;
    return until(last, s);
  }

  /// Seconds that nobody saw.
  void skip_to(int second) { at_ = second; }

 private:
  std::unique_ptr<Policy> policy_;
  int at_ = 0;
  std::optional<Time> last_;
};

}  // namespace docktor::peers
