#include "core/victims.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace docktor {

std::vector<std::string> victims(std::vector<Candidate> candidates, std::size_t how_many) {
  const auto rank = [](const Candidate& c) {
    const bool known = c.busy && std::isfinite(*c.busy);
    const double busy = known ? std::round(*c.busy) : std::numeric_limits<double>::max();
    return std::tuple(!c.unhealthy, !c.outdated, !c.starting, busy, -c.age_order, -c.number);
  };
  std::ranges::stable_sort(candidates, {}, rank);
  std::vector<std::string> out;
  for (auto& c : candidates) {
    if (out.size() == how_many) break;
    out.push_back(std::move(c.id));
  }
  return out;
}

}  // namespace docktor
