#include "sim/elasticity.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "sim/erlang.h"

namespace docktor::sim {

Demand demand_of(const Load& load, double mu, double limit, double quantile) {
  Demand d;
  d.rows.reserve(load.rows.size());
  std::unordered_map<double, int> known;
  for (const Row& r : load.rows) {
    auto [it, fresh] = known.try_emplace(r.rate, 0);
    if (fresh) it->second = workers_needed(r.rate, mu, limit, quantile);
    d.rows.push_back({r.at, static_cast<double>(it->second)});
  }
  return d;
}

Elasticity elasticity(const Demand& demand, const std::vector<PoolChange>& supply) {
  Elasticity e;
  if (demand.rows.size() < 2 || supply.empty()) return e;
  const double end = demand.rows.back().at;
  std::size_t s = 0;
  for (std::size_t r = 0; r + 1 < demand.rows.size(); ++r) {
    const double d = demand.rows[r].rate;
    double from = demand.rows[r].at;
    const double row_end = demand.rows[r + 1].at;
    while (from < row_end) {
      while (s + 1 < supply.size() && supply[s + 1].at <= from) ++s;
      const double to = s + 1 < supply.size() ? std::min(row_end, supply[s + 1].at) : row_end;
      const double have = supply[s].ready;
      const double length = to - from;
      e.theta_u += std::max(d - have, 0.0) / std::max(d, 1.0) * length;
      e.theta_o += std::max(have - d, 0.0) / std::max(d, 1.0) * length;
      e.tau_u += d > have ? length : 0;
      e.tau_o += have > d ? length : 0;
      from = to;
    }
  }
  const double scale = 100 / end;
  e.theta_u *= scale;
  e.theta_o *= scale;
  e.tau_u *= scale;
  e.tau_o *= scale;
  return e;
}

double elastic_speedup(const Elasticity& a, const Elasticity& b) {
  const auto ratio = [](double base, double own) { return std::max(base, 0.01) / std::max(own, 0.01); };
  return std::pow(ratio(b.theta_u, a.theta_u) * ratio(b.theta_o, a.theta_o) * ratio(b.tau_u, a.tau_u) *
                      ratio(b.tau_o, a.tau_o),
                  0.25);
}

}  // namespace docktor::sim
