// The Flink Kubernetes operator's autoscaler, which is DS2's idea with a backlog to catch up with.
// Source: nightlies.apache.org/flink/flink-kubernetes-operator-docs (autoscaler, configuration options);
// V. Kalavri et al., Three steps is all you need (DS2), OSDI 2018.
#pragma once

#include "policy/peers/peers.h"

namespace docktor::peers {

/// The published defaults.
struct FlinkKnobs {
  int min_replicas = 1;
  int max_replicas = 1;
  Duration collect = std::chrono::seconds(60);  ///< the operator's reconcile interval
  Duration window = std::chrono::minutes(15);
  Duration stabilization = std::chrono::minutes(5);
  double utilization = 0.7;
  double boundary = 0.3;
  Duration scale_down_interval = std::chrono::hours(1);
  double max_down = 0.6;
  double max_up = 100'000;
  Duration catch_up = std::chrono::minutes(30);
  Duration restart = std::chrono::minutes(5);
};

/// What one window showed. `observed` is NaN without at least two samples taken while the lag was 30 s or
/// more.
struct FlinkMetrics {
  double rate = 0;        ///< messages worked off per second
  double lag = 0;         ///< messages waiting now
  double lag_growth = 0;  ///< per second
  double busy = 0;        ///< share of the replicas' time, 0 to 1
  double observed = 0;    ///< messages per second while nothing but the replicas limited it
};

/// The parallelism that these metrics ask for; p itself where the rate it can work off lies between the
/// thresholds.
///
///     arrivals a = max(0, rate + growth)
///     true rate t = rate / busy, or what was observed where the former is more than 15 % above it
///     cap(u) = round(lag / catch_up + a × restart / catch_up (not for the upper threshold) + a / u)
///     act only if t < cap(min(1, u + b)) or t > cap(u − b); with more than 5 min of lag: t < cap(1), and never down
///     p' = ceil(p × clamp(cap(u) / t, 1 − max_down, 1 + max_up)), within the bounds
int flink_parallelism(const FlinkKnobs& knobs, const FlinkMetrics& metrics, int p);

/// Decides with a full window only, which begins anew a stabilization after each change; scales down once it
/// has wanted to for the whole scale-down interval, to the most that it wanted meanwhile.
std::unique_ptr<Policy> flink_policy(const FlinkKnobs& knobs);
Peer flink_peer();

}  // namespace docktor::peers
