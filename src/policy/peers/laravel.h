// Laravel Queue Autoscale's hybrid strategy: Little's law on a forecast, or what drains the backlog in time.
// Source: github.com/cboxdk/laravel-queue-autoscale (docs: algorithms; its default "balanced" profile and
// policies).
#pragma once

#include <limits>

#include "policy/peers/peers.h"

namespace docktor::peers {

struct LaravelKnobs {
  int min_replicas = 1;
  int max_replicas = std::numeric_limits<int>::max();
  double sla = 5;              ///< seconds until a job is to be picked up
  double service_time = 0.05;  ///< S, seconds
  double spawn = 0;            ///< mean seconds that a worker needs to start
  double horizon = 60;         ///< seconds ahead that the trend is carried on
  double forecast_weight = 0.5;
  double least_r2 = 0.6;
  double breach_threshold = 0.5;  ///< the backlog counts once its oldest job used up this share of the SLA
  double down_share = 0.25;       ///< of the replicas that may go at once (at least one); 1: any number
  Duration evaluation_interval = std::chrono::seconds(5);
};

/// What the strategy sees at one evaluation.
struct LaravelView {
  double arrivals = 0;     ///< λ̂, per second
  double backlog = 0;      ///< B
  double oldest = 0;       ///< age of the oldest waiting job in whole seconds; 0 is "not known"
  double utilization = 0;  ///< of the replicas, 0 to 1
  int current = 0;
};

/// max(λ̂ × S, drain), rounded up, before the smoothing of scale-downs. With SLA' = max(1, SLA − spawn)
/// and p = min(age / SLA', 1.5):
///
///     drain = 0 below the threshold, B / max((SLA' − age) / S, 1) × min(1 + 8 (p − ½)², 5) from there on
///     drain = B / max(S, 0.1) × the same factor once the SLA' is past
///     drain = B / max(SLA' / S, 1) where the age is not known
///
/// One at least while work waits and nothing runs; one more than now while replicas are 90 % busy and no more
/// are wanted.
int laravel_workers(const LaravelKnobs& knobs, const LaravelView& view);

/// λ̂ of backlog snapshots (seconds, messages; oldest first) and the throughput: throughput plus the mean
/// growth, of which the last pair weighs as much as all before; half of it replaced by the regression's value
/// at the horizon if that fits with R² >= 0.6.
double laravel_arrivals(const LaravelKnobs& knobs, double throughput,
                        const std::vector<std::pair<double, double>>& backlogs);

/// Scale-downs: one replica an evaluation while the throughput of the last ten varies by less than 5 %, a
/// quarter of them at most otherwise. What is wanted is held to the bounds before that. Replicas that are starting are not taken into account.
std::unique_ptr<Policy> laravel_policy(const LaravelKnobs& knobs);
Peer laravel_peer();

}  // namespace docktor::peers
