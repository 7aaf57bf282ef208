// Counts a queue's arrivals, those by dead-lettering too, which RabbitMQ's `publish` leaves out. Pure.
#pragma once

#include <cstdint>
#include <deque>

namespace docktor {

/// `publish` is exact where all messages are published to the queue. What came otherwise shows only in what it does: the
/// sum of what waits and what was delivered grows by more than `publish`. For how long that sum and the counters are of
/// different instants, so that it is believed only where it goes on for some twenty seconds; from then on arrivals are the
/// growth of that sum, which is right over time and in a single step off by a second's work.
///
/// Never goes back. Not thread-safe.
class ArrivalsCount {
 public:
  struct Figures {
    std::uint64_t publish = 0, delivered = 0;  ///< counters
    std::uint64_t waiting = 0;                 ///< now
  };

  /// Counting begins, or goes on after a while that was not seen.
  void begin(const Figures& now);

  /// The counters have just moved, and a flow ends here.
  void step(const Figures& now);

  /// What arrived so far.
  std::uint64_t total(std::uint64_t publish) const;

  /// More comes than is published.
  bool by_dead_lettering() const { return derived_; }

 private:
  struct Step {
    std::uint64_t publish, delivered;
    std::int64_t unpublished;  // of what waits and was delivered
  };
  void keep(const Figures& now);
  void decide();

  std::deque<Step> steps_;
  std::uint64_t arrived_ = 0;  // with the last step
  std::uint64_t publish_ = 0;  // then
  bool begun_ = false;
  bool derived_ = false;
  std::int64_t offset_ = 0;  // derived: arrived less waiting and delivered
};

}  // namespace docktor
