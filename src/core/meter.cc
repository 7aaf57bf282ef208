#include "core/meter.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/flow.h"

namespace docktor {

namespace {

std::optional<double> lag_of(const QueueSample& q) {
  if (!q.parts.empty()) {
    double sum = 0;
    for (const auto& part : q.parts) {
      const auto lag = lag_of(part.shown);
      if (!lag) return std::nullopt;
      sum += *lag;
    }
    return sum;
  }
  if (q.delivered_stream_seq && q.last_seq)
    return *q.last_seq > *q.delivered_stream_seq ? static_cast<double>(*q.last_seq - *q.delivered_stream_seq)
                                                 : 0;
  // P + S stands for L, so the lag is P.
  if (q.delivered_consumer_seq && !q.filtered) return static_cast<double>(q.num_pending);
  return std::nullopt;
}

// Of the queue with the most, where there are several: a replica is a consumer of all.
std::optional<std::uint64_t> members_of(const QueueSample& q) {
  std::optional<std::uint64_t> most = q.parts.empty() ? q.consumers : std::nullopt;
  for (const auto& part : q.parts) {
    const auto& its = part.shown.consumers;
    if (its) most = std::max(most.value_or(0), *its);
  }
  return most;
}

void set_gauges(Observation& o) {
  const QueueSample& q = o.queue;
  const auto set = [&](Metric metric, const std::optional<std::uint64_t>& v) {
    if (v) o.set(metric, static_cast<double>(*v));
  };
  set(Metric::kQueueBacklog, q.num_pending);
  set(Metric::kQueueAckPending, q.num_ack_pending);
  if (const auto lag = lag_of(q)) o.set(Metric::kQueueLag, *lag);
  set(Metric::kQueueRedelivered, q.num_redelivered);
  set(Metric::kQueueWaiting, q.num_waiting);
  set(Metric::kQueueDead, q.dead);
  set(Metric::kQueueScheduled, q.scheduled);
  set(Metric::kQueueConsumers, q.consumers);
  if (q.oldest_age) o.set(Metric::kQueueOldestAge, to_seconds(*q.oldest_age));
}

}  // namespace

Meter::Meter(Duration window, Duration stale_after, Duration shortest)
    : window_(window), stale_after_(stale_after), shortest_(shortest) {}

// Counters that move each `step` only: a flow over less would carry the arrivals of a whole step, or none.
void Meter::measure_flow(Observation& o) {
  if (!flow_from_) {
    flow_from_ = o;
    return;
  }
  const bool gap = is_gap(*o.queue_at - *last_queue_->queue_at);
  pace_ = *o.queue_at - *last_queue_->queue_at;
  if (gap) gap_end_ = o.queue_at;
  const Duration length = *o.queue_at - *flow_from_->queue_at;
  const auto [reset, flow] = flow_between(flow_from_->queue, o.queue, length);
  if (reset || gap) {
    o.reset = reset;
    flow_from_ = o;
    std::erase_if(samples_, [](const Seen& s) { return s.queue; });
    return;
  }
  if (length < o.queue.step) {
    for (const auto m : {Metric::kQueueRateIn, Metric::kQueueRateOut}) {
      if (const auto rate = last_queue_->get(m)) o.set(m, *rate);  // the newest there is
    }
    o.upper_bound = last_queue_->upper_bound;
    return;
  }
  o.flow = flow;
  flow_from_ = o;
  if (!flow) return;
  const double s = to_seconds(flow->length);
  o.set(Metric::kQueueRateIn, flow->arrivals / s);
  o.set(Metric::kQueueRateOut, std::max(0.0, flow->settled) / s);
  o.upper_bound = flow->upper_bound;
}

void Meter::measure_parts(const Input& input) {
  const auto& now = input.queue->parts;
  std::erase_if(parts_,
                [&](const Part& p) { return std::ranges::count(now, p.name, &NamedSample::name) == 0; });
  for (const auto& part : now) {
    auto at = std::ranges::lower_bound(parts_, part.name, {}, &Part::name);
    if (at == parts_.end() || at->name != part.name)
      at = parts_.insert(at, {part.name, Meter(window_, stale_after_, shortest_)});
    at->meter.observe({input.at, input.replicas, part.shown, std::nullopt});
  }
}

std::optional<Observation> Meter::observe(const Input& input) {
  if (last_at_ && input.at <= *last_at_) return std::nullopt;
  last_at_ = input.at;

  Observation o;
  o.at = input.at;
  o.replicas = input.replicas;
  if (input.queue) {
    const QueueSample& q = *input.queue;
    o.queue = q;
    o.queue_at = input.at;
    measure_flow(o);
    rebalance_.observe(input.at, input.replicas.current, q.rebalancing, members_of(q));
    o.rebalances = rebalance_.seen();
    set_gauges(o);
    measure_parts(input);
  }
  if (input.usage && !input.usage->empty()) {
    o.usage_at = input.at;
    const auto& usage = *input.usage;
    double sum = 0, low = usage[0].cpu, high = usage[0].cpu;
    struct Mean {
      double sum = 0;
      int n = 0;
    } limit, mem, mem_limit;
    const auto add = [](Mean& m, const std::optional<double>& v) {
      if (v) {
        m.sum += *v;
        ++m.n;
      }
    };
    for (const auto& u : usage) {
      sum += u.cpu;
      low = std::min(low, u.cpu);
      high = std::max(high, u.cpu);
      add(limit, u.cpu_limit_pct);
      add(mem, u.mem);
      add(mem_limit, u.mem_limit_pct);
    }
    o.set(Metric::kCpuAvg, sum / static_cast<double>(usage.size()));
    o.set(Metric::kCpuMin, low);
    o.set(Metric::kCpuMax, high);
    if (limit.n) o.set(Metric::kCpuLimitPct, limit.sum / limit.n);
    if (mem.n) o.set(Metric::kMemUsed, mem.sum / mem.n);
    if (mem_limit.n) o.set(Metric::kMemLimitPct, mem_limit.sum / mem_limit.n);
  }

  samples_.push_back(seen_of(o));
  if (o.queue_at) last_queue_ = o;
  // The newest queue sample stays even when it is older than the window, so that CPU samples do not push it
  // out.
  while (samples_.size() > 1 && samples_.front().at <= input.at - window_) samples_.pop_front();
  if (samples_.size() > kMaxSamples) samples_.pop_front();
  return o;
}

Meter::Seen Meter::seen_of(const Observation& o) {
  Seen s{o.at, o.usage_at, o.queue_at.has_value(), o.replicas, o.flow, {}};
  for (const auto& m : kMetrics)
    s.values[static_cast<std::size_t>(m.metric)] =
        o.get(m.metric).value_or(std::numeric_limits<double>::quiet_NaN());
  return s;
}

bool Meter::is_gap(Duration length) const {
  constexpr int kMissed = 3;  // samples that are known to come more rarely than others go stale are none
  return length > stale_after_ && pace_ && length > kMissed * *pace_;
}

void Meter::mark_age(Observation& o, Time now) const {
  o.queue_stale = !o.queue_at || now - *o.queue_at > std::max(stale_after_, 2 * o.queue.step);
  o.usage_stale = !o.usage_at || now - *o.usage_at > stale_after_;
  o.gap = gap_end_ && now - *gap_end_ < window_;
}

Observation Meter::latest(Time now) const {
  Observation o = last_queue_.value_or(Observation{});
  if (last_at_) o.at = *last_at_;
  if (!samples_.empty()) o.replicas = samples_.back().replicas;
  for (auto it = samples_.rbegin(); it != samples_.rend(); ++it) {
    if (!it->usage_at) continue;
    o.usage_at = it->usage_at;
    for (const auto& m : kMetrics) {
      const double v = it->values[static_cast<std::size_t>(m.metric)];
      if (!std::isnan(v) && !is_queue(m.metric)) o.set(m.metric, v);
    }
    break;
  }
  o.rebalances = rebalance_.seen();
  mark_age(o, now);
  for (const auto& p : parts_) o.parts.push_back({p.name, p.meter.latest(now)});
  return o;
}

Observation Meter::mean(Time now) const {
  Observation o = latest(now);
  for (std::size_t i = 0; i < parts_.size(); ++i) o.parts[i].seen = parts_[i].meter.mean(now);
  std::array<double, kMetricCount> sum{};
  std::array<int, kMetricCount> count{};
  double arrivals = 0, settled = 0;
  Duration length{};
  const auto take = [&](const Seen& s) {
    for (std::size_t i = 0; i < kMetricCount; ++i) {
      if (std::isnan(s.values[i])) continue;
      sum[i] += s.values[i];
      ++count[i];
    }
    if (s.flow) {
      arrivals += s.flow->arrivals;
      settled += s.flow->settled;
      length += s.flow->length;
      o.upper_bound = o.upper_bound || s.flow->upper_bound;
    }
  };
  for (const auto& s : samples_) {
    if (s.at > now - window_ || &s == &samples_.back()) take(s);
  }
  for (const auto& m : kMetrics) {
    const auto i = static_cast<std::size_t>(m.metric);
    if (count[i] > 0) o.set(m.metric, sum[i] / count[i]);
  }
  if (length > Duration::zero() && length < shortest_) {
    for (const auto m : {Metric::kQueueRateIn, Metric::kQueueRateOut})
      o.set(m, std::numeric_limits<double>::quiet_NaN());
  } else if (length > Duration::zero()) {
    o.set(Metric::kQueueRateIn, arrivals / to_seconds(length));
    o.set(Metric::kQueueRateOut, std::max(0.0, settled) / to_seconds(length));
  }
  return o;
}

}  // namespace docktor
