#include "sim/clairvoyant.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <thread>

namespace docktor::sim {
namespace {

constexpr double kGrowth = 1.06;
constexpr double kMostCells = 1e8;
constexpr int kMostReplicas = 255;

std::vector<double> grid_up_to(double most) {
  std::vector<double> grid{0};
  double q = 1;
  while (grid.back() < most) {
    grid.push_back(q);
    q = std::max(q + 1, q * kGrowth);
  }
  return grid;
}

// How many messages arrived within each step.
std::vector<double> counted(const std::vector<double>& arrivals, double step, std::size_t steps) {
  std::vector<double> counts(steps, 0);
  for (const double at : arrivals) {
    const auto i = static_cast<std::size_t>(at / step);
    if (i < steps) ++counts[i];
  }
  return counts;
}

// More replicas than half as many again as the busiest five seconds (or the busiest step) need are never
// worth it.
int enough(const std::vector<double>& counts, double step, const ClairvoyantSpec& spec) {
  const auto width = static_cast<std::size_t>(std::max(1.0, std::round(5 / step)));
  double most = 0, sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    if (i >= width) sum -= counts[i - width];
    most = std::max(most, sum / (static_cast<double>(width) * step));
  }
  return std::clamp(static_cast<int>(std::ceil(1.5 * most / spec.capacity)) + 2, spec.min_replicas,
                    std::min(spec.max_replicas, spec.min_replicas + kMostReplicas));
}

// Looks the optimum up by what there is.
class Clairvoyant final : public Policy {
 public:
  explicit Clairvoyant(const ClairvoyantTable& table) : table_(table) {}

  Recommendation recommend(const Situation& in) override {
    Recommendation r;
    r.wanted = table_.replicas(to_seconds(in.now), in.replicas.current,
                               static_cast<double>(in.latest.queue.num_pending));
    r.reason = "known beforehand";
    return r;
  }

 private:
  const ClairvoyantTable& table_;
};

std::vector<double> instants(const Load& load, const ArrivalSpec& spec, std::uint64_t seed) {
  std::vector<double> all;
  all.reserve(static_cast<std::size_t>(load.messages() * 1.01) + 16);
  Arrivals arrivals(load, spec, seed);
  for (double at = arrivals.next(); at < std::numeric_limits<double>::infinity(); at = arrivals.next())
    all.push_back(at);
  return all;
}

FrontierPoint point_of(const RunSpec& spec, const std::vector<double>& arrivals, double waiting) {
  const WorkerSpec& worker = spec.world.worker;
  const ClairvoyantSpec what{waiting, 1 / worker.service_mean, worker.startup_mean,
                             spec.service.limits.min_replicas, spec.service.limits.max_replicas};
  const ClairvoyantTable table(arrivals, spec.load->length(), what);
  RunSpec closed = spec;
  closed.bin = 0;
  closed.progress = {};
  closed.world.worker.startup_mean = closed.world.worker.startup_sd = 0;
  closed.world.faults = {};
  closed.service.check_interval = closed.service.sample_interval = seconds(table.step());
  closed.service.limits.cooldown_up = closed.service.limits.cooldown_down =
      closed.service.limits.stabilization = {};
  closed.service.limits.steps_given = false;
  if (!closed.service.objective)
    closed.service.objective = ObjectiveSpec{};  // no steps without the user's word
  const RunResult r = run(closed, [&](const ServiceSpec&) { return std::make_unique<Clairvoyant>(table); });
  const double paid = r.replica_seconds + worker.startup_mean * r.starts;
  return {waiting, paid * r.rho / r.replica_seconds, r.p99};
}

}  // namespace

ClairvoyantTable::ClairvoyantTable(const std::vector<double>& arrivals, double length,
                                   const ClairvoyantSpec& spec)
    : least_(spec.min_replicas), step_(1) {
  const auto size_of = [&](double step) { return static_cast<std::size_t>(std::ceil(length / step)) + 1; };
  steps_ = size_of(step_);
  auto counts = counted(arrivals, step_, steps_);
  most_ = enough(counts, step_, spec);
  // A backlog of two minutes of the busiest second is more than any of these policies lets come.
  grid_ = grid_up_to(120 * std::max(10.0, *std::max_element(counts.begin(), counts.end())));
  const auto replicas = static_cast<std::size_t>(most_ - least_) + 1;
  const std::size_t per_step = grid_.size() * replicas;
  if (static_cast<double>(steps_) * static_cast<double>(per_step) > kMostCells) {
    step_ = std::ceil(length * static_cast<double>(per_step) / kMostCells);
    steps_ = size_of(step_);
    counts = counted(arrivals, step_, steps_);
  }
  best_.resize(steps_ * per_step);

  const double served = spec.capacity * step_;
  std::vector<double> after(per_step), value(per_step), cost(replicas), down(replicas), up(replicas);
  std::vector<std::uint8_t> from_below(replicas), from_above(replicas);
  for (std::size_t k = 0; k < grid_.size(); ++k) {
    // What is left at the end is served by those that are there.
    for (std::size_t n = 0; n < replicas; ++n) after[k * replicas + n] = grid_[k] / spec.capacity;
  }
  for (std::size_t t = steps_; t-- > 0;) {
    for (std::size_t k = 0; k < grid_.size(); ++k) {
      for (std::size_t n = 0; n < replicas; ++n) {
        const double there = least_ + static_cast<double>(n);
        const double left = std::max(0.0, grid_[k] + counts[t] - served * there);
        const std::size_t low = std::min(cell(left), grid_.size() - 2);
        const double share = std::min(1.0, (left - grid_[low]) / (grid_[low + 1] - grid_[low]));
        const double future =
            after[low * replicas + n] * (1 - share) + after[(low + 1) * replicas + n] * share;
        cost[n] = there * step_ + spec.waiting * step_ * (grid_[k] + left) / 2 + future;
      }
      // Fewer cost nothing to become: the least cost up to n. More cost their start: the least cost + D n'
      // from n on.
      for (std::size_t n = 0; n < replicas; ++n) {
        const bool better = n == 0 || cost[n] < down[n - 1];
        down[n] = better ? cost[n] : down[n - 1];
        from_below[n] = better ? static_cast<std::uint8_t>(n) : from_below[n - 1];
      }
      for (std::size_t n = replicas; n-- > 0;) {
        const double with_starts = cost[n] + spec.start_up * static_cast<double>(n);
        const bool better = n + 1 == replicas || with_starts < up[n + 1];
        up[n] = better ? with_starts : up[n + 1];
        from_above[n] = better ? static_cast<std::uint8_t>(n) : from_above[n + 1];
      }
      for (std::size_t n = 0; n < replicas; ++n) {
        const double more = up[n] - spec.start_up * static_cast<double>(n);
        const bool fewer = down[n] <= more;
        value[k * replicas + n] = fewer ? down[n] : more;
        best_[(t * grid_.size() + k) * replicas + n] = fewer ? from_below[n] : from_above[n];
      }
    }
    std::swap(after, value);
  }
}

std::size_t ClairvoyantTable::cell(double backlog) const {
  const auto above = std::upper_bound(grid_.begin(), grid_.end(), backlog);
  return static_cast<std::size_t>(above - grid_.begin()) - 1;
}

int ClairvoyantTable::replicas(double now, int current, double backlog) const {
  const auto t = std::min(static_cast<std::size_t>(std::max(0.0, now) / step_ + 1e-9), steps_ - 1);
  std::size_t k = cell(std::max(0.0, backlog));
  if (k + 1 < grid_.size() && backlog - grid_[k] > grid_[k + 1] - backlog) ++k;
  const auto n = static_cast<std::size_t>(std::clamp(current, least_, most_) - least_);
  const auto replicas = static_cast<std::size_t>(most_ - least_) + 1;
  return least_ + best_[(t * grid_.size() + k) * replicas + n];
}

std::vector<double> usual_waiting_prices() { return {1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.04, 0.16, 1}; }

std::vector<FrontierPoint> clairvoyant_frontier(const RunSpec& spec, const std::vector<double>& waiting,
                                                int threads,
                                                const std::function<void(double share)>& progress) {
  const auto arrivals = instants(*spec.load, spec.world.arrivals, spec.seed);
  std::vector<FrontierPoint> points(waiting.size());
  std::atomic<std::size_t> next = 0;
  std::mutex telling;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < waiting.size(); i = next++) {
      points[i] = point_of(spec, arrivals, waiting[i]);
      const std::lock_guard lock(telling);
      ++done;
      if (progress) progress(static_cast<double>(done) / static_cast<double>(waiting.size()));
    }
  };
  std::vector<std::jthread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  return not_beaten(std::move(points));
}

std::vector<FrontierPoint> not_beaten(std::vector<FrontierPoint> points) {
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.p99 > b.p99; });
  std::vector<FrontierPoint> frontier;
  for (const auto& p : points) {
    const bool beaten = std::any_of(points.begin(), points.end(), [&](const FrontierPoint& o) {
      return (o.rho < p.rho && o.p99 <= p.p99) || (o.rho <= p.rho && o.p99 < p.p99);
    });
    if (!beaten) frontier.push_back(p);
  }
  return frontier;
}

double optimum_at(const std::vector<FrontierPoint>& frontier, double p99) {
  if (frontier.empty()) return 0;
  if (p99 >= frontier.front().p99) return frontier.front().rho;
  for (std::size_t i = 1; i < frontier.size(); ++i) {
    const auto &slow = frontier[i - 1], &fast = frontier[i];
    if (p99 < fast.p99) continue;
    if (fast.p99 <= 0) return fast.rho;
    const double share = std::log(slow.p99 / p99) / std::log(slow.p99 / fast.p99);
    return slow.rho + share * (fast.rho - slow.rho);
  }
  return frontier.back().rho;
}

}  // namespace docktor::sim
