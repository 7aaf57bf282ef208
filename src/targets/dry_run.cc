#include "targets/dry_run.h"

#include <fmt/format.h>

#include <cstdlib>

namespace docktor {

void DryRunTarget::scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) {
  const int now = count(inner_->report().replicas).current;
  const int more = order.replicas - now;
  done(more == 0 ? fmt::format("would leave {} replicas", now)
                 : fmt::format("would {} {} ({} → {})", more > 0 ? "start" : "stop", std::abs(more), now,
                               order.replicas));
}

}  // namespace docktor
