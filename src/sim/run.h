// One run: a load, a world and an autoscaler in virtual time; and what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/autoscaler.h"
#include "sim/elasticity.h"
#include "sim/load.h"
#include "sim/waits.h"
#include "sim/world.h"

namespace docktor::sim {

/// Makes the policy of a run. Called once a run, so that policies share nothing.
using PolicyMaker = std::function<std::unique_ptr<Policy>(const ServiceSpec&)>;

/// What an adviser said, and how long it took; no advice: it failed after that time.
struct Answer {
  std::optional<Advice> advice;
  double latency = 0;  ///< seconds
};

struct RunSpec {
  const Load* load = nullptr;
  World world;
  ServiceSpec service;  ///< limits, intervals, objective
  std::uint64_t seed = 1;
  std::optional<int> start_replicas;           ///< min_replicas by default
  Time begin{};                                ///< of the load, for what the service's schedule says
  double bin = 0;                              ///< more than 0: keep a series with bins of so many seconds
  std::function<void(double share)> progress;  ///< called now and then
  std::stop_token stop;                        ///< requested: the run ends early, its result is of no use
  /// Asked as the controller asks: about a scale-down, which waits for it at most `advice_wait`, and after a
  /// scale-up (`down` false).
  std::function<Answer(const Decision&, bool down)> adviser;
  double advice_wait = 10;  ///< seconds; never more than half a check interval
  std::function<void(const Input&, const Decision&)> watch;  ///< each evaluation, for tests and traces
};

/// One bin of the series that the report draws.
struct Point {
  double at = 0;
  double rate_in = 0;  ///< arrivals per second
  double ready = 0;    ///< replicas at the bin's end
  double current = 0;
  double backlog = 0;  ///< messages not begun, at the bin's end
  double p99 = 0;      ///< of the waits of messages begun within the bin; 0 without any
};

struct RunResult {
  std::uint64_t messages = 0;
  double length = 0;           ///< seconds until the load's end
  double replica_seconds = 0;  ///< from order to exit
  double service_seconds = 0;  ///< Σ service times
  double rho = 0;              ///< replica_seconds / max(min_replicas × length, service_seconds)
  double mean = 0, p50 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0;  ///< waits, seconds
  double over = 0;  ///< share of the messages that waited longer than the objective
  int starts = 0, stops = 0, actions = 0, reversals = 0;
  double mean_replicas = 0;
  int peak_replicas = 0;
  Elasticity elasticity;
  std::uint64_t decisions = 0;
  std::vector<Point> series;

  double per_hour(int n) const { return length > 0 ? n * 3600 / length : 0; }
};

/// Runs to the load's end, and on until no message is left (at most as long again, or an hour).
RunResult run(const RunSpec& spec, const PolicyMaker& make_policy);

}  // namespace docktor::sim
