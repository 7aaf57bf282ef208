#include "control/desired.h"

#include <algorithm>

namespace docktor {

std::optional<int> desired_replicas(const ServiceFigures& f) {
  const bool seen = f.queue.empty() || (f.latest.queue_at && !f.latest.queue_stale);
  if (!f.decision || !f.not_ready.empty() || !seen) return std::nullopt;
  // Decisions come each check_interval; published figures are as old as the last sample.
  if (f.at - f.decision->at > std::max<Duration>(3 * f.check_interval, std::chrono::seconds(5)))
    return std::nullopt;
  return f.decision->needs_approval ? f.decision->current : f.decision->target;
}

}  // namespace docktor
