#include "policy/objective/deferral.h"

#include <algorithm>
#include <cmath>

namespace docktor::objective {
namespace {

// Starts that a replica must be away for, at least, to be worth one.
constexpr double kStarts = 5;
// Of the slack, what may be used up already when a replica goes: a backlog is worked off first.
constexpr double kUsed = 0.25;

}  // namespace

std::optional<int> least_with_work_put_off(const Deferrable& load) {
  if (!(load.slack > 0) || load.waiting > kUsed * load.replicas * load.slack) return std::nullopt;
  const double t = kStarts * load.start;
  const double n = (load.waiting + (load.level + load.error) * t) / (t + load.slack);
  return static_cast<int>(std::clamp(std::max(std::ceil(n), std::floor(load.level)), 0.0, 1e6));
}

}  // namespace docktor::objective
