// Makes one sample of what AMQP and the management API say, each at its own time. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/sample.h"
#include "queues/rabbitmq/arrivals_count.h"
#include "queues/rabbitmq/queue_figures.h"

namespace docktor {

/// What a passive declare answers: live.
struct Declared {
  std::uint64_t messages = 0;  ///< ready
  std::uint64_t consumers = 0;
  Duration took{};                             ///< the server's time for this answer
  std::chrono::steady_clock::time_point at{};  ///< when it was answered
};

/// Figures of the API, and since when they are known: when the request for them went out.
struct KnownFigures {
  QueueFigures figures;
  std::chrono::steady_clock::time_point asked{};
};

/// P and the consumers are AMQP's, live. A and the counters are the API's, which move each 5 s at a phase of
/// their own, so that they are not subtracted from P: arrivals come from `publish`, settled from deliveries and
/// A; ArrivalsCount says when that does not do. A sample that shows counters which have just moved has a short
/// step, all others a long one: so the meter makes a flow from one move to the next, which holds exactly what
/// came between (over any five seconds it would now and then hold two moves, or none).
///
/// Not thread-safe; times never go back.
class SampleMaker {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  explicit SampleMaker(std::string queue) : queue_(std::move(queue)) {}

  /// Whether make() needs figures that were asked for after `declared` was answered: a quorum queue that has just
  /// become empty may be one without leader, which AMQP calls empty, too.
  bool needs_fresh(const Declared& declared, const std::optional<KnownFigures>& known) const;

  /// `known` absent: the API does not answer. `unix_now` in seconds. kUnavailable where nothing can be said,
  /// kInvalid for a stream.
  Result<QueueSample> make(SteadyTime now, std::int64_t unix_now, const Declared& declared,
                           const std::optional<KnownFigures>& known);

 private:
  Result<std::uint64_t> ready(SteadyTime now, const Declared& declared,
                              const std::optional<KnownFigures>& known);
  void wait_for_counters(SteadyTime now, QueueSample& into);
  void count(SteadyTime now, const QueueFigures& figures, QueueSample& into);

  std::string queue_;
  std::optional<QueueFigures::Stats> stats_;  // as last told
  std::optional<SteadyTime> moved_;           // when a flow last began
  std::optional<SteadyTime> untold_since_;    // since there was work first, of which nothing was counted
  ArrivalsCount arrivals_;
  std::uint64_t epoch_ = 1;             // of the counters
  bool quorum_ = false;                 // it was seen to be one
  bool zero_confirmed_ = false;         // quorum: the last sample was a zero that holds
  std::optional<Declared> last_;        // without the API: what was declared before
  std::optional<SteadyTime> vanished_;  // without the API: messages and consumers went at once
};

}  // namespace docktor
