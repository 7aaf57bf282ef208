#include "sim/run.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "schedule/schedule.h"
#include "sim/pool.h"

namespace docktor::sim {
namespace {

// A sample that was taken and has not arrived yet.
struct InFlight {
  double arrives = 0;
  Input input;
};

// What a queue tells that counts nothing.
QueueSample gauges_of(const QueueSample& all) {
  QueueSample q;
  q.num_pending = all.num_pending;
  q.num_ack_pending = all.num_ack_pending;
  q.redelivered_after = all.redelivered_after;
  return q;
}

class Sampler {
 public:
  Sampler(const World& world, std::uint64_t seed)
      : counts_(world.counts), faults_(world.faults), chance_(seed, Draw::kDelay) {}

  void take(double now, Pool& pool) {
    const std::uint64_t n = taken_++;
    if (faults_.reset_per_hour > 0 &&
        chance_.uniform(3 * n) < faults_.reset_per_hour * (now - last_) / 3600) {
      pool.reset_counters();
    }
    last_ = now;
    const bool dark = faults_.blackout_at >= 0 && now >= faults_.blackout_at &&
                      now < faults_.blackout_at + faults_.blackout_length;
    if (dark || (faults_.lose_sample > 0 && chance_.uniform(3 * n + 1) < faults_.lose_sample)) return;
    Input in;
    in.at = time_at(now);
    in.replicas = pool.counts();
    in.queue = pool.sample();
    if (!counts_) in.queue = gauges_of(*in.queue);
    double delay = faults_.sample_delay;
    if (faults_.sample_delay_jitter > 0) delay += faults_.sample_delay_jitter * chance_.uniform(3 * n + 2);
    in_flight_.push_back({now + delay, std::move(in)});
  }

  // Hands over what has arrived by `now`; one that was overtaken is refused by the autoscaler.
  template <class F>
  void arrivals(double now, const F& f) {
    while (!in_flight_.empty() && in_flight_.front().arrives <= now) {
      last_input_ = std::move(in_flight_.front().input);
      in_flight_.pop_front();
      f(last_input_);
    }
  }
  const Input& last() const { return last_input_; }

 private:
  bool counts_;
  FaultSpec faults_;
  Stream chance_;
  std::uint64_t taken_ = 0;
  double last_ = 0;
  std::deque<InFlight> in_flight_;
  Input last_input_;
};

class Series {
 public:
  explicit Series(double bin) : bin_(bin) {}
  bool on() const { return bin_ > 0; }
  double next() const { return static_cast<double>(points_.size() + 1) * bin_; }

  void close(double at, Pool& pool) {
    Point p;
    p.at = at;
    p.rate_in = static_cast<double>(pool.arrived() - arrived_) / bin_;
    arrived_ = pool.arrived();
    p.ready = pool.counts().ready;
    p.current = pool.counts().current;
    p.backlog = static_cast<double>(pool.arrived() - pool.begun());
    p.p99 = pool.take_recent().quantile(0.99);
    points_.push_back(p);
  }
  std::vector<Point> take() { return std::move(points_); }

 private:
  double bin_;
  std::uint64_t arrived_ = 0;
  std::vector<Point> points_;
};

// The controller's way with an adviser, in virtual time.
class Advised {
 public:
  Advised(const RunSpec& spec, Autoscaler& autoscaler)
      : spec_(spec),
        autoscaler_(autoscaler),
        interval_(to_seconds(spec.service.check_interval)),
        wait_(std::min(spec.advice_wait, interval_ / 2)) {}

  /// The decision as it is carried out, and after how many seconds.
  std::pair<Decision, double> judge(Decision d) {
    if (!spec_.adviser) return {std::move(d), 0};
    if (added_) d = autoscaler_.advise(d, *std::exchange(added_, std::nullopt));
    if (d.action == Action::kHold || !autoscaler_.open_to_advice(d, {})) return {std::move(d), 0};
    const Answer answer = spec_.adviser(d, d.action == Action::kScaleDown);
    if (d.action == Action::kScaleUp) {
      if (answer.advice && answer.latency <= interval_) added_ = answer.advice;
      return {std::move(d), 0};
    }
    const bool in_time = answer.advice && answer.latency <= wait_;
    if (in_time) d = autoscaler_.advise(d, *answer.advice);
    return {std::move(d), std::min(answer.latency, wait_)};
  }

 private:
  const RunSpec& spec_;
  Autoscaler& autoscaler_;
  double interval_;
  double wait_;
  std::optional<Advice> added_;
};

// ∫ alive dt, from 0 to `end`.
double replica_seconds(const std::vector<PoolChange>& changes, double end) {
  double sum = 0;
  for (std::size_t i = 0; i < changes.size() && changes[i].at < end; ++i) {
    const double to = i + 1 < changes.size() ? std::min(changes[i + 1].at, end) : end;
    sum += changes[i].alive * (to - changes[i].at);
  }
  return sum;
}

// What the pool has seen until `end`.
void summarize(const RunSpec& spec, const Pool& pool, double end, RunResult& r) {
  const ServiceSpec& service = spec.service;
  const double length = spec.load->length();
  const double limit = to_seconds(service.objective.value_or(ObjectiveSpec{}).max_wait);
  const Waits& w = pool.waits();
  r.messages = w.count();
  r.length = length;
  r.replica_seconds = replica_seconds(pool.changes(), end);
  r.service_seconds = pool.service_sum();
  const double floor = std::max(service.limits.min_replicas * length, r.service_seconds);
  r.rho = floor > 0 ? r.replica_seconds / floor : 0;
  r.mean = w.mean();
  r.p50 = w.quantile(0.5);
  r.p95 = w.quantile(0.95);
  r.p99 = w.quantile(0.99);
  r.p999 = w.quantile(0.999);
  r.max = w.max();
  r.over = w.over_share();
  r.starts = pool.starts();
  r.stops = pool.stops();
  for (const PoolChange& c : pool.changes()) r.peak_replicas = std::max(r.peak_replicas, c.current);
  r.mean_replicas = length > 0 ? replica_seconds(pool.changes(), length) / length : 0;
  const double quantile = service.objective.value_or(ObjectiveSpec{}).quantile;
  r.elasticity =
      elasticity(demand_of(*spec.load, 1 / spec.world.worker.service_mean, limit, quantile), pool.changes());
}

}  // namespace

RunResult run(const RunSpec& spec, const PolicyMaker& make_policy) {
  const ServiceSpec& service = spec.service;
  const double limit = to_seconds(service.objective.value_or(ObjectiveSpec{}).max_wait);
  const int start = spec.start_replicas.value_or(service.limits.min_replicas);
  const double length = spec.load->length();
  const double give_up = length + std::min(std::max(length, 600.0), 3600.0);

  Pool pool(spec.world, *spec.load, spec.seed, start, limit);
  Autoscaler autoscaler(service, make_policy(service));
  Advised advised(spec, autoscaler);
  std::optional<std::pair<double, int>> waiting;  // an order that an answer has delayed: when, how many
  Sampler sampler(spec.world, spec.seed);
  Series series(spec.bin);
  if (series.on()) pool.keep_recent();
  Schedule calendar(service);
  Overrides overrides;

  RunResult r;
  const double sample_every = to_seconds(service.sample_interval);
  const double check_every = to_seconds(service.check_interval);
  std::uint64_t samples = 0, checks = 0, steps = 0;
  int direction = 0;
  double end = 0;
  // Instants are multiples of the interval, so that rounding does not creep.
  while (true) {
    const double sample_at = static_cast<double>(samples) * sample_every;
    const double check_at = static_cast<double>(checks) * check_every;
    const double now = std::min(sample_at, check_at);
    while (series.on() && series.next() <= std::min(now, length)) {
      const double at = series.next();
      pool.advance(at);
      series.close(at, pool);
    }
    if (now > length && pool.finished()) {
      end = std::max(length, now);
      break;
    }
    if (now > give_up) {
      end = give_up;
      break;
    }
    if (waiting && waiting->first <= now) {
      pool.advance(waiting->first);
      pool.scale(waiting->second);
      waiting.reset();
    }
    pool.advance(now);
    if (sample_at <= check_at) {
      sampler.take(now, pool);
      ++samples;
    }
    sampler.arrivals(now, [&](const Input& in) { autoscaler.observe(in); });
    if (check_at <= sample_at) {
      ++checks;
      if (!calendar.empty()) overrides.scheduled = calendar.at(spec.begin + seconds(now));
      const auto [d, after] = advised.judge(autoscaler.evaluate(time_at(now), pool.counts(), overrides));
      ++r.decisions;
      if (spec.watch) spec.watch(sampler.last(), d);
      if (d.action != Action::kHold) {
        const int way = d.target > d.current ? 1 : -1;
        ++r.actions;
        r.reversals += direction != 0 && way != direction;
        direction = way;
        if (after > 0)
          waiting = {now + after, d.target};
        else
          pool.scale(d.target);
      }
    }
    if ((++steps & 0xfff) == 0) {
      if (spec.stop.stop_requested()) break;
      if (spec.progress) spec.progress(std::min(1.0, now / length));
    }
  }

  pool.count_abandoned();
  summarize(spec, pool, end, r);
  r.series = series.take();
  return r;
}

}  // namespace docktor::sim
