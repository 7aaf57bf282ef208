#include "policy/peers/flink.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kObservedLag = 30;  // seconds of lag from which on a rate shows what the replicas can do
constexpr double kMuchLag = 300;     // seconds of lag that are to be worked off first
constexpr double kObservedSwitch = 1.15;

double true_rate(const FlinkMetrics& m) {
  const double busy = m.rate == 0 ? kInfinity : m.busy > 0 ? m.rate / m.busy : kInfinity;
  if (std::isnan(m.observed)) return busy;
  return !std::isfinite(busy) || busy > m.observed * kObservedSwitch ? m.observed : busy;
}

class Flink final : public Periodic {
 public:
  explicit Flink(const FlinkKnobs& k) : Periodic(k.collect), k_(k) {}

  void observe(const Observation& sample) override {
    if (!sample.queue_at) return;
    if (sample.flow) {
      now_.settled += sample.flow->settled;
      now_.seconds += to_seconds(sample.flow->length);
    }
    if (sample.replicas.ready > 0) {
      now_.busy += std::min(1.0, static_cast<double>(sample.queue.in_hand()) / sample.replicas.ready);
      ++now_.samples;
    }
  }

 private:
  // What was gathered since the collection before, and the lag at its end.
  struct Collected {
    Time at{};
    double settled = 0;
    double seconds = 0;
    double busy = 0;
    int samples = 0;
    double lag = 0;
    double rate() const { return seconds > 0 ? std::max(0.0, settled) / seconds : 0; }
  };

  Recommendation decide(const Situation& in) override {
    const int p = in.replicas.current;
    Collected c = std::exchange(now_, {});
    c.at = in.now;
    c.lag = backlog(in);
    if (p != last_p_) {
      // A job that was just (re)started; its metrics mean nothing before it has settled.
      last_p_ = p;
      window_.clear();
      settled_from_ = in.now + k_.stabilization;
      down_since_.reset();
    }
    if (p == 0) return want(0, "nothing runs");
    if (in.now < settled_from_) return hold(in, "stabilization");
    // The first only opens the window: what came before belongs to the time of stabilization.
    window_.push_back(c);
    while (window_.size() > 1 && window_[1].at <= in.now - k_.window) window_.pop_front();
    if (window_.size() < 3 || in.now - window_.front().at < k_.window) return hold(in, "window not full");

    const FlinkMetrics m = metrics();
    const int wanted = flink_parallelism(k_, m, p);
    const int n = wanted < p ? later(in.now, p, wanted) : wanted;
    if (wanted >= p) down_since_.reset();
    if (n != p) {
      // Its own change; no collection before it has settled.
      last_p_ = n;
      window_.clear();
      settled_from_ = in.now + k_.stabilization;
      down_since_.reset();
    }
    return want(n, fmt::format("rate {:g}, busy {:g}, lag {:g}: {} of {}", m.rate, m.busy, m.lag, n, wanted));
  }

  FlinkMetrics metrics() const {
    FlinkMetrics m;
    double settled = 0, seconds = 0, busy = 0, observed = 0;
    int samples = 0, observations = 0;
    for (std::size_t i = 1; i < window_.size(); ++i) {
      const Collected& c = window_[i];
      settled += c.settled;
      seconds += c.seconds;
      busy += c.busy;
      samples += c.samples;
      if (c.lag < kObservedLag * c.rate()) continue;
      observed += c.rate() > 0 ? c.rate() : kInfinity;
      ++observations;
    }
    m.rate = seconds > 0 ? std::max(0.0, settled) / seconds : 0;
    m.lag = window_.back().lag;
    m.lag_growth = (m.lag - window_.front().lag) / to_seconds(window_.back().at - window_.front().at);
    m.busy = samples > 0 ? busy / samples : 0;
    m.observed = observations >= 2 ? observed / observations : std::numeric_limits<double>::quiet_NaN();
    return m;
  }

  // The most that was wanted since the wish to scale down began, once that is an interval ago.
  int later(Time now, int p, int wanted) {
    if (!down_since_) {
      down_since_ = now;
      down_to_ = wanted;
    }
    down_to_ = std::max(down_to_, wanted);
    return now - *down_since_ >= k_.scale_down_interval ? down_to_ : p;
  }

  FlinkKnobs k_;
  Collected now_;
  std::deque<Collected> window_;
  int last_p_ = -1;
  Time settled_from_{};
  std::optional<Time> down_since_;
  int down_to_ = 0;
};

// Seconds, but for the utilization and its boundary; a catch-up of 0 stands for max_wait.
struct FlinkRow {
  int collect, window, stabilization;
  double utilization, boundary;
  int down;
  int catch_up;
  bool restarts = false;  // the start-up counts as the time that a restart takes
};

Setting flink_setting(const FlinkRow& row) {
  const std::string name = fmt::format(
      "each {} s, window {} s, stabilization {} s, utilization {} ± {}, scale-down interval {} s, catch-up "
      "{}, restart {}",
      row.collect, row.window, row.stabilization, row.utilization, row.boundary, row.down,
      row.catch_up > 0 ? fmt::format("{} s", row.catch_up) : "max_wait", row.restarts ? "start_up" : "0 s");
  return {name, [row](const ServiceSpec& service, const Known& known) {
            const Goal goal(service);
            FlinkKnobs k;
            k.min_replicas = goal.min_replicas;
            k.max_replicas = goal.max_replicas;
            k.collect = std::chrono::seconds(row.collect);
            k.window = std::chrono::seconds(row.window);
            k.stabilization = std::chrono::seconds(row.stabilization);
            k.utilization = row.utilization;
            k.boundary = row.boundary;
            k.scale_down_interval = std::chrono::seconds(row.down);
            k.catch_up = seconds(row.catch_up > 0 ? row.catch_up : goal.max_wait);
            k.restart = row.restarts ? seconds(known.start_up) : Duration::zero();
            return flink_policy(k);
          }};
}

Setting published(std::string name, FlinkKnobs knobs) {
  return {std::move(name), [knobs](const ServiceSpec& service, const Known&) {
            FlinkKnobs k = knobs;
            k.min_replicas = service.limits.min_replicas;
            k.max_replicas = service.limits.max_replicas;
            return flink_policy(k);
          }};
}

}  // namespace

int flink_parallelism(const FlinkKnobs& k, const FlinkMetrics& m, int p) {
  const double arrivals = std::max(0.0, m.rate + m.lag_growth);
  const double catch_up = to_seconds(k.catch_up);
  const auto cap = [&](double u, bool restart) {
    if (u <= 0) return kInfinity;
    double sum = arrivals / u;
    if (catch_up > 0) sum += m.lag / catch_up + (restart ? arrivals * to_seconds(k.restart) / catch_up : 0);
    return std::round(sum);
  };
  const bool behind = m.lag > kMuchLag * m.rate;
  const double highest = behind ? 1 : std::min(1.0, k.utilization + k.boundary);
  const double lowest = behind ? 0 : k.utilization - k.boundary;
  const double rate = true_rate(m);
  if (std::isnan(rate) || (rate >= cap(highest, false) && rate <= cap(lowest, true))) return p;
  const double factor = std::clamp(cap(k.utilization, true) / rate, 1 - k.max_down, 1 + k.max_up);
  const double wanted = std::min(1e9, std::ceil(factor * p));
  return std::clamp(static_cast<int>(wanted), std::min(p, k.min_replicas), std::max(p, k.max_replicas));
}

std::unique_ptr<Policy> flink_policy(const FlinkKnobs& knobs) { return std::make_unique<Flink>(knobs); }

Peer flink_peer() {
  Peer p{.name = "flink",
         .adaptation = true,
         .adaptation_note =
             "rate = messages settled, lag = queue.backlog, busy = messages in hand per ready replica (at "
             "most 1); nothing restarts, so the time of a restart is 0 but where the setting says so; no "
             "rounding "
             "to divisors of key groups, which a queue's workers have not",
         .source = "Flink Kubernetes operator: autoscaler"};
  p.settings.push_back(
      published("defaults: window 15 m, stabilization 5 m, utilization 0.7 ± 0.3, scale-down interval "
                "1 h, catch-up 30 m, restart 5 m",
                {}));
  p.settings.push_back(
      published("the documentation's example: window 5 m, stabilization 1 m, utilization 0.6 ± 0.2, "
                "scale-down interval 1 h, catch-up 5 m, restart 2 m",
                {.window = std::chrono::minutes(5),
                 .stabilization = std::chrono::minutes(1),
                 .utilization = 0.6,
                 .boundary = 0.2,
                 .catch_up = std::chrono::minutes(5),
                 .restart = std::chrono::minutes(2)}));
  // The same law at the speed of a queue: {collect, window, stabilization, utilization, boundary, down,
  // catch-up[, restarts]}.
  for (const FlinkRow& row :
       {FlinkRow{60, 180, 30, 0.7, 0.3, 600, 300}, FlinkRow{15, 60, 30, 0.7, 0.3, 60, 60},
        FlinkRow{15, 60, 30, 0.8, 0.1, 60, 60}, FlinkRow{5, 30, 10, 0.7, 0.3, 60, 30},
        FlinkRow{5, 15, 5, 0.7, 0.2, 60, 15}, FlinkRow{5, 15, 5, 0.8, 0.1, 60, 15},
        FlinkRow{5, 10, 0, 0.8, 0.1, 30, 0, true}, FlinkRow{5, 10, 0, 0.8, 0.1, 30, 0},
        FlinkRow{2, 6, 0, 0.8, 0.1, 30, 0}, FlinkRow{2, 6, 0, 0.9, 0.05, 30, 0}}) {
    p.settings.push_back(flink_setting(row));
  }
  return p;
}

}  // namespace docktor::peers
