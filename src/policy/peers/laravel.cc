#include "policy/peers/laravel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

constexpr std::size_t kSnapshots = 30;
constexpr double kSnapshotAge = 300;
constexpr std::size_t kThroughputs = 10;
constexpr Duration kMinute = std::chrono::seconds(60);

// When the oldest waiting message came: messages are begun in order, so with B of them waiting it is the one
// that B − 1 came after.
class OldestAge {
 public:
  void add(const Observation& sample) {
    if (!sample.flow) {
      came_.clear();  // a new window: nothing is known of what waits
    } else if (sample.flow->arrivals > 0) {
      total_ += sample.flow->arrivals;
      came_.emplace_back(sample.at, total_);
    }
    const double begun = total_ - static_cast<double>(sample.queue.num_pending);
    while (!came_.empty() && came_.front().second <= begun) came_.pop_front();
  }
  double age(Time now) const { return came_.empty() ? 0 : std::floor(to_seconds(now - came_.front().first)); }

 private:
  std::deque<std::pair<Time, double>> came_;
  double total_ = 0;
};

class Laravel final : public Periodic {
 public:
  explicit Laravel(const LaravelKnobs& k)
      : Periodic(k.evaluation_interval), k_(k), settled_(kMinute), busy_(kMinute) {}

  void observe(const Observation& sample) override {
    if (!sample.queue_at) return;
    oldest_.add(sample);
    if (sample.flow) settled_.add(sample.at, sample.flow->settled, to_seconds(sample.flow->length));
    if (sample.replicas.ready > 0) {
      busy_.add(sample.at, std::min(1.0, static_cast<double>(sample.queue.in_hand()) / sample.replicas.ready),
                1);
    }
  }

 private:
  Recommendation decide(const Situation& in) override {
    const double throughput = std::max(0.0, settled_.mean(in.now).value_or(0));
    LaravelView v;
    v.current = in.replicas.current;
    v.backlog = backlog(in);
    v.oldest = v.backlog > 0 ? oldest_.age(in.now) : 0;
    v.utilization = busy_.mean(in.now).value_or(0);
    const double now = to_seconds(in.now);
    backlogs_.emplace_back(now, v.backlog);
    while (backlogs_.size() > kSnapshots || backlogs_.front().first < now - kSnapshotAge)
      backlogs_.erase(backlogs_.begin());
    v.arrivals = laravel_arrivals(k_, throughput, backlogs_);

    const int raw = std::max(k_.min_replicas, std::min(k_.max_replicas, laravel_workers(k_, v)));
    const int n = smoothed(raw, v.current, throughput);
    return want(n, fmt::format("arrivals {:g}, backlog {:g}, oldest {:g} s: {} of {}", v.arrivals, v.backlog,
                               v.oldest, n, raw));
  }

  int smoothed(int raw, int current, double throughput) {
    throughputs_.push_back(throughput);
    if (throughputs_.size() > kThroughputs) throughputs_.pop_front();
    int n = raw;
    if (previous_ && raw < *previous_ && steady()) n = std::max(raw, *previous_ - 1);
    previous_ = n;
    const int most = std::max(1, static_cast<int>(std::ceil(current * k_.down_share)));
    return std::max(n, current - most);
  }

  bool steady() const {
    if (throughputs_.size() < 3) return false;
    double mean = 0, square = 0;
    const auto n = static_cast<double>(throughputs_.size());
    for (const double t : throughputs_) mean += t / n;
    for (const double t : throughputs_) square += (t - mean) * (t - mean) / n;
    return mean > 0 && std::sqrt(square) / mean < 0.05;
  }

  LaravelKnobs k_;
  MovingMean settled_;
  MovingMean busy_;
  OldestAge oldest_;
  std::vector<std::pair<double, double>> backlogs_;
  std::deque<double> throughputs_;
  std::optional<int> previous_;
};

struct LaravelRow {
  double of_sla = 1;  // × max_wait
  double weight = 0.5,
         r2 = 0.6;  // of the forecast; the published policies: disabled, hint, moderate, aggressive
  std::string_view forecast = "moderate";
  double down = 0.25;
};

Setting laravel_setting(const LaravelRow& row) {
  return {
      fmt::format("SLA max_wait × {}, forecast {} ({:g} × regression from R² {:g} on), down {:g} % at once",
                  row.of_sla, row.forecast, row.weight, row.r2, row.down * 100),
      [row](const ServiceSpec& service, const Known& known) {
        const Goal goal(service);
        LaravelKnobs k;
        k.min_replicas = goal.min_replicas;
        k.max_replicas = goal.max_replicas;
        k.sla = row.of_sla * goal.max_wait;
        k.service_time = 1 / known.capacity;
        k.spawn = known.start_up;
        k.forecast_weight = row.weight;
        k.least_r2 = row.r2;
        k.down_share = row.down;
        return laravel_policy(k);
      }};
}

}  // namespace

double laravel_arrivals(const LaravelKnobs& k, double throughput,
                        const std::vector<std::pair<double, double>>& backlogs) {
  double sum = 0, weights = 0, weight = 1;
  std::vector<std::pair<double, double>> rates;
  rates.reserve(backlogs.size());
  for (std::size_t i = 1; i < backlogs.size(); ++i) {
    const double length = backlogs[i].first - backlogs[i - 1].first;
    const double growth = (backlogs[i].second - backlogs[i - 1].second) / length;
    weight *= 2;
    sum += growth * weight;
    weights += weight;
    rates.emplace_back(backlogs[i].first, std::max(0.0, throughput + growth));
  }
  const double seen = std::max(0.0, throughput + (weights > 0 ? sum / weights : 0));
  if (rates.size() < 5 || k.forecast_weight <= 0) return seen;

  const auto n = static_cast<double>(rates.size());
  double mean_t = 0, mean_r = 0, tt = 0, tr = 0, total = 0, left = 0;
  for (const auto& [t, r] : rates) {
    mean_t += t / n;
    mean_r += r / n;
  }
  for (const auto& [t, r] : rates) {
    tt += (t - mean_t) * (t - mean_t);
    tr += (t - mean_t) * (r - mean_r);
  }
  const double slope = tr / tt;
  for (const auto& [t, r] : rates) {
    const double off = r - mean_r - slope * (t - mean_t);
    left += off * off;
    total += (r - mean_r) * (r - mean_r);
  }
  const double r2 = total < 1e-12 ? 1 : std::max(0.0, 1 - left / total);
  if (r2 < k.least_r2) return seen;
  const double ahead = std::max(0.0, mean_r + slope * (rates.back().first + k.horizon - mean_t));
  return k.forecast_weight * ahead + (1 - k.forecast_weight) * seen;
}

int laravel_workers(const LaravelKnobs& k, const LaravelView& v) {
  const double sla = std::max(1.0, k.sla - k.spawn);
  double drain = 0;
  if (v.backlog > 0) {
    const double progress = std::min(v.oldest / sla, 1.5);
    if (v.oldest <= 0) {
      drain = v.backlog / std::max(sla / k.service_time, 1.0);
    } else if (progress >= k.breach_threshold) {
      const double left = sla - v.oldest;
      drain = v.backlog / (left > 0 ? std::max(left / k.service_time, 1.0) : std::max(k.service_time, 0.1)) *
              std::min(1 + 8 * (progress - 0.5) * (progress - 0.5), 5.0);
    }
  }
  int n = static_cast<int>(std::min(1e9, std::ceil(std::max(v.arrivals * k.service_time, drain))));
  if (v.backlog > 0 && v.current == 0) n = std::max(n, 1);
  if (v.current > 0 && v.utilization >= 0.9 && n <= v.current) n = v.current + 1;
  return n;
}

std::unique_ptr<Policy> laravel_policy(const LaravelKnobs& knobs) { return std::make_unique<Laravel>(knobs); }

Peer laravel_peer() {
  Peer p{
      .name = "laravel",
      .adaptation = true,
      .adaptation_note =
          "the oldest message's age from counted arrivals; service and spawn times are given, not "
          "measured; without its cooldown of 60 s and its limits by the host's CPU and memory; the estimate "
          "of arrivals counts whatever its confidence",
      .source = "github.com/cboxdk/laravel-queue-autoscale: hybrid strategy"};
  for (const LaravelRow& row :
       {LaravelRow{}, LaravelRow{.weight = 0, .r2 = 1, .forecast = "disabled"},
        LaravelRow{.weight = 0.3, .r2 = 0.8, .forecast = "hint"},
        LaravelRow{.weight = 0.8, .r2 = 0.4, .forecast = "aggressive"}, LaravelRow{.down = 1},
        LaravelRow{.weight = 0, .r2 = 1, .forecast = "disabled", .down = 1}, LaravelRow{.of_sla = 2},
        LaravelRow{.of_sla = 2, .weight = 0, .r2 = 1, .forecast = "disabled"}, LaravelRow{.of_sla = 3},
        LaravelRow{.of_sla = 3, .weight = 0, .r2 = 1, .forecast = "disabled", .down = 1},
        LaravelRow{.of_sla = 0.5}, LaravelRow{.of_sla = 0.5, .weight = 0, .r2 = 1, .forecast = "disabled"}}) {
    p.settings.push_back(laravel_setting(row));
  }
  return p;
}

}  // namespace docktor::peers
