// Whether added replicas still add throughput.
#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "policy/objective/capacity.h"

namespace docktor::objective {

/// Watches what happens under a standing backlog when the number of ready replicas grows by a fifth or more:
/// the throughput of the last seconds before against the throughput since, which should have grown in
/// proportion. Where the growth is missing, and chance does not explain it, something else is the bottleneck
/// (a database, a lock, max_ack_pending), and more replicas would only cost. After a while, longer each time,
/// one more try is allowed. Also watches for replicas that take nothing although a backlog stands. Not
/// thread-safe.
class Bottleneck {
 public:
  /// As for Capacity; `in_hand`: what a busy replica holds; `patience`: how long a ready replica may take
  /// nothing before that is called a bottleneck, in seconds.
  void add(const Gauges& before, const Gauges& after, const Flow& flow, double in_hand, double patience);

  /// Replicas grew by a fifth within the last seconds, and it is too early to judge.
  bool pending() const { return pending_; }

  /// The most replicas that may be ordered: `current` under a bottleneck, a fifth more for the next try after
  /// one.
  int most(const ReplicaCounts& replicas) const;

  /// Not empty: adding replicas does not help at present, for this reason.
  const std::string& reason() const { return reason_; }

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  struct Sample {
    Time at{};
    double replicas = 0;  // ready, from its begin to its end
    double settled = 0;
    double seconds = 0;
  };
  void judge(Time now);

  std::deque<Sample> samples_;  // under the present backlog, oldest first
  std::optional<Time> idle_since_;
  std::optional<Time> until_;  // when the next try is allowed
  double backoff_ = 600;
  bool pending_ = false;
  std::string reason_;
};

}  // namespace docktor::objective
