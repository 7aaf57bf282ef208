// The law of the NATS by Example auto-scaler, without its mistakes: how many messages came of late, and what
// the caller's num_instances() makes of that. Pure but for that call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "docktor/provisioner.h"
#include "provisioner/law.h"

namespace docktor {

/// The original's rate is a mean since the start: after an idle hour a burst looks slow. Here it is the mean
/// over the window, or over the present burst while that is younger: a burst of 1,000 a second that began
/// half a second ago in a window of 2 s has a rate of 1,000, not 250 (RateLawTest.AYoungBurstHasItsOwnRate).
class RateLawRunner final : public Law {
 public:
  /// What Provisioner::num_instances() is asked: the age of the last message (nothing when none came yet),
  /// how many instances there are, the rate. Nothing: it threw.
  using Ask = std::function<std::optional<int>(std::optional<Duration> quiet_for, int current, double rate)>;

  RateLawRunner(RateLaw law, Ask ask) : law_(std::move(law)), ask_(std::move(ask)) {}

  void observe(Time now, const ReplicaCounts& instances, const QueueSample& queue) override;
  void received(Time last, std::uint64_t messages) override;
  Ruling decide(Time now, const ReplicaCounts& instances, const Overrides& overrides, bool fresh) override;

  /// Messages per second, as of the last message: what a quiet time means is for its age to say, and takes
  /// away one instance after the other, not half of them as the window runs empty.
  double rate() const;

 private:
  std::string work_left(Time now, int current) const;
  bool burst_is_young(Time now) const;

  RateLaw law_;
  Ask ask_;
  std::deque<std::pair<Time, std::uint64_t>> counts_;  // within the window, oldest first
  std::optional<Time> last_receive_;
  std::optional<Time> burst_since_;
  std::optional<QueueSample> queue_;
  std::optional<Time> in_hand_since_;  // at zero instances: since when messages are in hand
};

}  // namespace docktor
