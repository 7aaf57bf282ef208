// The best that anybody could do who knew every arrival beforehand: a dynamic programme over (replicas,
// backlog), run closed loop in the simulator. It is what ratios "to the optimum" refer to.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/policy.h"
#include "sim/run.h"

namespace docktor::sim {

/// What the programme minimises: replica-seconds, plus `waiting` per message-second of backlog, plus the
/// start-up of each replica that it starts (clairvoyance turns a start-up delay into a price: the order is
/// given that much earlier).
///
///     min Σ n_t Δ + D (n_t - n_{t-1})⁺ + γ Δ (Q_t + Q_{t+1}) / 2,    Q_{t+1} = max(0, Q_t + A_t - μ n_t Δ)
///
/// with A_t the arrivals that happened. Offline right-sizing (Lin, Wierman, Andrew and Thereska, 2011) with a
/// queue: since D (n' - n)⁺ only depends on the order of n and n', minima over n' come from running minima,
/// O(T N K).
struct ClairvoyantSpec {
  double waiting = 0.1;  ///< γ, replica-seconds that a message-second of waiting is worth
  double capacity = 20;  ///< μ, messages per second of a replica
  double start_up = 3;   ///< D, seconds
  int min_replicas = 1;
  int max_replicas = 100;
};

/// The table of a load's optimal numbers of replicas, for each instant, number of replicas and backlog.
/// Immutable and thread-safe once made. Backlogs lie on a grid that grows by 6 %; the table is at most some
/// 100 MB, for which the step grows beyond a second on long loads.
class ClairvoyantTable {
 public:
  /// `arrivals`: each message's instant, in order.
  ClairvoyantTable(const std::vector<double>& arrivals, double length, const ClairvoyantSpec& spec);

  double step() const { return step_; }  ///< seconds between two looks
  /// The optimal number of replicas at `now` seconds, with so many and that backlog.
  int replicas(double now, int current, double backlog) const;

 private:
  std::size_t cell(double backlog) const;

  int least_, most_;
  double step_;
  std::size_t steps_;
  std::vector<double> grid_;
  std::vector<std::uint8_t> best_;  // [step][backlog][replicas], less least_
};

/// A point of the frontier: what a clairvoyant policy reaches that values waiting at γ.
struct FrontierPoint {
  double waiting = 0;
  double rho = 0;
  double p99 = 0;
};

/// Runs the tables of several γ closed loop (replicas start at once, the price of each start is added) on the
/// arrivals of `spec`'s seed. Points in the order of falling p99; dominated ones are left out. `threads` of
/// them at once. `progress` may be called from any of the threads, one at a time.
std::vector<FrontierPoint> clairvoyant_frontier(const RunSpec& spec, const std::vector<double>& waiting,
                                                int threads = 1,
                                                const std::function<void(double share)>& progress = {});

/// Those that no other beats in both ρ and p99, in the order of falling p99.
std::vector<FrontierPoint> not_beaten(std::vector<FrontierPoint> points);

/// The γ that span waits from a fraction of a second to some minutes.
std::vector<double> usual_waiting_prices();

/// ρ of the frontier at a p99 (interpolated in its logarithm), the ends' beyond its ends; 0 for an empty
/// frontier.
double optimum_at(const std::vector<FrontierPoint>& frontier, double p99);

}  // namespace docktor::sim
