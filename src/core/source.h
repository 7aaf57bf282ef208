// The Source seam: reads raw samples of a queue, or of the replicas' CPU and memory.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/finding.h"
#include "core/replica.h"
#include "core/result.h"
#include "core/sample.h"

namespace docktor {

/// What one reading showed; a queue source fills `queue`, a CPU source `usage`.
struct Reading {
  std::optional<QueueSample> queue;
  std::optional<std::vector<ReplicaUsage>> usage;
  /// Of several queues, where some did not answer and there is therefore no `queue`: why, by name, and what is known to
  /// wait in the others ("push has 12 messages waiting"; empty: nothing).
  std::optional<Error> part_missing{};
  std::string part_waits{};
  std::string note{};             ///< what people should know of where the figures come from; empty: nothing
  bool usage_is_partial = false;  ///< `usage` lacks ready replicas that cannot be asked: no base for rules
};

struct ReadRequest {
  Duration timeout;  ///< an answer that takes longer is kTimeout
  std::vector<Replica>
      replicas;  ///< the service's replicas, as its target reports them; queue sources ignore them
};

/// Thread-safe. A source never blocks its caller: it answers through the callback, from a thread of its own.
class Source {
 public:
  virtual ~Source() = default;

  /// Reads once. `done` is called exactly once, at the latest shortly after the timeout. "Not found", "no
  /// leader" and "no answer" are errors (kNotFound, kUnavailable, kTimeout), never zeros. At most one read of
  /// a source is in flight.
  virtual void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) = 0;

  /// At zero replicas: calls `on_message` soon after a message may have arrived (it may be false; read to
  /// know). An empty function ends the watch. What the watch cannot see is told by watch_gap().
  virtual void watch(std::function<void()> on_message) { (void)on_message; }

  /// Not empty: why the watch sees nothing, or not everything, so that polling is all there is.
  virtual std::string watch_gap() const { return {}; }

  /// Not empty: why this queue must not be left without workers (an ephemeral consumer: its messages would be
  /// lost). Known once it was read.
  virtual std::string unfit_for_zero() const { return {}; }

  /// For `config validate`: looks at the world (blocking, bounded by `timeout`) and tells what it found.
  virtual std::vector<Finding> check(Duration timeout) = 0;
};

}  // namespace docktor
