#include "targets/compose/compose_tracked.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace docktor {

std::string ending_of(const Container& c) {
  if (c.oom_killed) return "out of memory";
  if (!c.error.empty()) return c.error;
  return fmt::format("exit code {}", c.exit_code);
}

bool TrackedContainer::is_replica() const {
  if (stopping) return true;
  if (c.replacing) return false;
  switch (c.state) {
    case ContainerState::kRunning:
    case ContainerState::kPaused:
    case ContainerState::kRestarting:
      return true;
    case ContainerState::kCreated:
      return mine;
    case ContainerState::kExited:
    case ContainerState::kDead:
      return !by_hand && (next_start || starting);
    case ContainerState::kRemoving:
      return false;
  }
  return false;
}

std::string TrackedContainer::note(Time now) const {
  if (stopping) return "";
  if (c.state == ContainerState::kPaused) return "paused by hand";
  if (c.state == ContainerState::kRestarting) return ending_of(c) + ", Docker starts it again";
  if (next_start) {
    return fmt::format("{}, next start in {}", ending_of(c),
                       short_duration(std::max(Duration::zero(), *next_start - now)));
  }
  if (c.health == Health::kUnhealthy) {
    return c.health_output.empty() ? "unhealthy" : "unhealthy: " + c.health_output;
  }
  if (c.health == Health::kStarting) return "waiting for its health check";
  return "";
}

}  // namespace docktor
