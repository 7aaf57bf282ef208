// What flowed between two samples of a queue, by whatever it counts.
#pragma once

#include <cstdint>
#include <optional>

#include "core/observation.h"
#include "core/sample.h"

namespace docktor {

struct FlowResult {
  bool reset = false;        ///< the second sample began a new window: counters went back or began anew
  std::optional<Flow> flow;  ///< absent at a reset, and where the queue does not tell enough
};

/// Whether a counter that both samples have has fallen.
inline bool went_back(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after) {
  return before && after && *after < *before;
}

/// `length` > 0. Of several queues: the sum, absent where one does not tell; a reset of one is a reset, and so are
/// other queues than before. What comes to a queue that is paused is left out, as in the sum's backlog.
FlowResult flow_between(const QueueSample& before, const QueueSample& after, Duration length);

/// Of a log: nothing where a counter went back, the consumer was made anew, or messages vanished undelivered
/// from a log that does not discard (a purge). docs/jetstream.md has the formulas and what they were held
/// against.
std::optional<Flow> flow_by_sequences(const QueueSample& before, const QueueSample& after, Duration length);

/// By totals and gauges: arrivals = ΔP + deliveries, settled = deliveries - ΔA. Two totals give what the
/// third would; one gives all where what is in hand is told.
FlowResult flow_by_totals(const QueueSample& before, const QueueSample& after, Duration length);

}  // namespace docktor
