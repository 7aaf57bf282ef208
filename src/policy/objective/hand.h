// What the objective policy learns of how workers take messages: how many one holds, and how late it sees
// one.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace docktor::objective {

/// Messages in the hand of a replica that lacks no work (1 for a worker that takes one at a time, more where
/// it prefetches, less where it sleeps between two), and the seconds until workers with time to spare see a
/// message that came (they poll, or the queue shows it late).
///
/// Both are told apart from having too few replicas by evidence on opposite sides: the hand is learned while
/// messages wait longer than idle workers could explain and no replica is starting; the delay is learned
/// while fewer messages are in hand than there are replicas, so that some replica surely had nothing to do.
/// Not thread-safe.
class Hand {
 public:
  /// Messages in hand from which on a worker takes more than one at a time.
  static constexpr double kOneAtATime = 1.3;

  /// No delay longer than half of `max_wait` (seconds) is believed.
  explicit Hand(double max_wait) : most_delay_(max_wait / 2) {}

  /// Under a backlog that lasted from one sample to the next, with `replicas` that all work and no other.
  void full(double in_hand, double replicas);

  /// At any sample: messages in hand over the replicas.
  void held(double per_replica);

  /// With replicas to spare: the oldest message that waits came `age` seconds ago (0: none waits).
  void idle(double age);

  bool known() const { return seen_ > 0; }
  bool one_at_a_time() const { return messages_ < kOneAtATime; }
  double messages() const { return messages_; }  ///< per replica, > 0; 1 before anything is seen
  double most() const { return most_; }          ///< likewise: the most of the last minutes, backlog or not
  double delay() const { return delay_; }        ///< seconds, mean
  double longest_delay() const;                  ///< seconds, mean and two standard deviations

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  double most_delay_;
  double messages_ = 1;
  double most_ = 1;
  double seen_ = 0;  // capped
  double delay_ = 0;
  double delay_variance_ = 0;
  double delays_seen_ = 0;  // capped
};

}  // namespace docktor::objective
