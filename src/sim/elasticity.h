// The elasticity metrics of the SPEC research group, on a demand that the objective defines.
#pragma once

#include <vector>

#include "sim/load.h"
#include "sim/pool.h"

namespace docktor::sim {

/// In percent of the time. d = demand, s = supply (ready replicas).
struct Elasticity {
  double theta_u = 0;  ///< accuracy of under-provisioning: mean of max(d - s, 0) / d
  double theta_o = 0;  ///< accuracy of over-provisioning: mean of max(s - d, 0) / d (d at least 1)
  double tau_u = 0;    ///< share of the time with d > s
  double tau_o = 0;    ///< share of the time with s > d
};

/// Demand over time: per row of the load, the fewest replicas with Erlang-C P(wait > limit) <= 1 - quantile.
struct Demand {
  std::vector<Row> rows;  ///< `rate` holds replicas
};
Demand demand_of(const Load& load, double mu, double limit, double quantile);

/// Integrates exactly, over the rows and the changes of the pool, from 0 to the load's end.
Elasticity elasticity(const Demand& demand, const std::vector<PoolChange>& supply);

/// Elastic speedup η against a baseline: the geometric mean of the four ratios baseline / a. A metric that is
/// 0 on either side counts as 0.01 %, so that the ratio stays finite.
double elastic_speedup(const Elasticity& a, const Elasticity& baseline);

}  // namespace docktor::sim
