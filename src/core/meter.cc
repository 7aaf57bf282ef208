#include "core/meter.h"

#include <algorithm>
#include <cstdint>

namespace docktor {
namespace {

double delta(std::uint64_t before, std::uint64_t after) {
  return after >= before ? static_cast<double>(after - before) : -static_cast<double>(before - after);
}

double delta(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after) {
  return before && after ? delta(*before, *after) : 0.0;
}

bool went_back(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after) {
  return before && after && *after < *before;
}

// What changed between two samples, each count as a signed number.
struct Change {
  Change(const QueueSample& before, const QueueSample& after)
      : pending(delta(before.num_pending, after.num_pending)),
        in_hand(delta(before.num_ack_pending, after.num_ack_pending)),
        has_stream_seq(before.delivered_stream_seq && after.delivered_stream_seq),
        has_last(before.last_seq && after.last_seq),
        last(delta(before.last_seq, after.last_seq)),
        redelivering(before.num_redelivered.value_or(0) > 0 || after.num_redelivered.value_or(0) > 0) {
    const double consumer = delta(before.delivered_consumer_seq, after.delivered_consumer_seq);  // ΔC
    stream =
        has_stream_seq ? delta(before.delivered_stream_seq, after.delivered_stream_seq) : consumer;  // ΔS
    // ΔC counts redeliveries too: at least one for each message that has become one of those delivered again.
    const double again = std::max(0.0, delta(before.num_redelivered, after.num_redelivered));
    most_deliveries = std::max(0.0, std::min(consumer - again, stream));
    if (has_last && before.stream_messages && after.stream_messages) {
      left = std::max(0.0, last - delta(before.stream_messages, after.stream_messages));
    }
  }

  double pending;  // ΔP
  double in_hand;  // ΔA
  bool has_stream_seq;
  bool has_last;
  double last;  // ΔL
  bool redelivering;
  double stream = 0;           // ΔS
  double most_deliveries = 0;  // F is no more than this, and this where nothing was redelivered
  std::optional<double> left;  // messages that left the stream: expired, discarded, purged or settled
};

bool is_reset(const QueueSample& before, const QueueSample& after) {
  return after.delivered_consumer_seq < before.delivered_consumer_seq ||
         went_back(before.delivered_stream_seq, after.delivered_stream_seq) ||
         went_back(before.ack_floor_consumer_seq, after.ack_floor_consumer_seq) ||
         went_back(before.ack_floor_stream_seq, after.ack_floor_stream_seq) ||
         went_back(before.first_seq, after.first_seq) || went_back(before.last_seq, after.last_seq) ||
         (!before.created.empty() && !after.created.empty() && before.created != after.created) ||
         before.filtered != after.filtered;
}

// Messages left the backlog and nobody got them. Where a stream discards, this happens all the time: there it
// is a purge only if everything that was in the stream is gone.
bool is_purge(const QueueSample& before, const QueueSample& after, const Change& d) {
  const double vanished = -(d.pending + d.most_deliveries);
  // nats-server 2.9 counts the pending messages of a filtered consumer too high for a moment, and corrects
  // that.
  const double slack = std::max(10.0, 0.05 * static_cast<double>(before.num_pending));
  if (vanished <= slack) return false;
  if (d.left) {
    const bool settled_leave = after.retention != Retention::kLimits;
    const double unsettled = *d.left - (settled_leave ? std::max(0.0, d.most_deliveries - d.in_hand) : 0.0);
    if (unsettled < vanished / 2) return false;  // they are still there: it was such a correction
  }
  if (!after.can_discard) return true;
  return after.first_seq && before.last_seq && *after.first_seq > *before.last_seq;
}

// Filter and limits retention: the filter's subjects are counted. What expired or was discarded is added
// back.
void count_by_subject(const QueueSample& before, const QueueSample& after, const Change& d, Flow& f) {
  const double kept = delta(before.subject_messages, after.subject_messages);
  const double left = d.left.value_or(0);
  if (left <= 0) {  // nothing was lost: exact, also while messages are redelivered
    f.arrivals = kept;
    f.deliveries = std::clamp(kept - d.pending, 0.0, d.most_deliveries);
    return;
  }
  // How many of those that left matched the filter is not told. By their share in the stream it is so many:
  const double of_messages = static_cast<double>(before.stream_messages.value_or(0));
  const double share = of_messages > 0 ? static_cast<double>(*before.subject_messages) / of_messages : 1.0;
  const double by_share = std::clamp(left * std::min(1.0, share), std::clamp(-kept, 0.0, left), left);
  const bool lost_undelivered = before.num_pending > 0 && d.has_stream_seq && after.first_seq &&
                                *after.first_seq > *after.delivered_stream_seq + 1;
  if (lost_undelivered) {
    f.arrivals = kept + by_share;
    f.deliveries =
        d.redelivering ? std::clamp(f.arrivals - d.pending, 0.0, d.most_deliveries) : d.most_deliveries;
    return;
  }
  // All that left had been delivered before, so arrivals - ΔP = F, and F is known where nothing is
  // redelivered.
  const double deliveries = d.redelivering ? kept + by_share - d.pending : d.most_deliveries;
  const double expired = std::clamp(deliveries - (kept - d.pending), 0.0, left);
  f.arrivals = kept + expired;
  f.deliveries = std::clamp(f.arrivals - d.pending, 0.0, d.most_deliveries);
}

}  // namespace

std::optional<Flow> flow_between(const QueueSample& before, const QueueSample& after, Duration length) {
  if (is_reset(before, after)) return std::nullopt;
  const Change d(before, after);
  if (is_purge(before, after, d)) return std::nullopt;

  Flow f;
  f.length = length;
  f.deliveries = d.most_deliveries;
  if (!before.filtered) {
    if (after.can_discard && d.has_last)
      f.arrivals = d.last;
    else
      f.arrivals = d.pending + d.stream;
  } else if (after.retention == Retention::kLimits && before.subject_messages && after.subject_messages) {
    count_by_subject(before, after, d, f);
  } else {
    f.arrivals = d.pending + f.deliveries;
    if (d.has_last) f.arrivals = std::min(f.arrivals, d.last);
    f.upper_bound = d.redelivering;
  }
  f.arrivals = std::max(0.0, f.arrivals);
  // A message past max_deliver leaves the in-flight count too, but nobody finished it.
  f.settled = f.deliveries - d.in_hand - std::max(0.0, delta(before.dead, after.dead));
  return f;
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
    if (last_queue_) {
      const Duration length = input.at - *last_queue_->queue_at;
      o.flow = flow_between(last_queue_->queue, q, length);
      o.reset = !o.flow;
      if (is_gap(length)) {
        gap_end_ = input.at;
        o.flow.reset();
      }
      if (!o.flow) std::erase_if(samples_, [](const Observation& s) { return s.queue_at.has_value(); });
      pace_ = length;
    }
    o.set(Metric::kQueueBacklog, static_cast<double>(q.num_pending));
    o.set(Metric::kQueueAckPending, static_cast<double>(q.num_ack_pending));
    if (q.delivered_stream_seq && q.last_seq) {
      o.set(Metric::kQueueLag, std::max(0.0, delta(*q.delivered_stream_seq, *q.last_seq)));
    } else if (!q.filtered) {
      o.set(Metric::kQueueLag, static_cast<double>(q.num_pending));  // P + S stands for L, so the lag is P
    }
    if (q.num_redelivered) o.set(Metric::kQueueRedelivered, static_cast<double>(*q.num_redelivered));
    if (q.num_waiting) o.set(Metric::kQueueWaiting, static_cast<double>(*q.num_waiting));
    if (q.dead) o.set(Metric::kQueueDead, static_cast<double>(*q.dead));
    if (o.flow) {
      const double s = to_seconds(o.flow->length);
      o.set(Metric::kQueueRateIn, o.flow->arrivals / s);
      o.set(Metric::kQueueRateOut, std::max(0.0, o.flow->settled) / s);
      o.upper_bound = o.flow->upper_bound;
    }
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

  samples_.push_back(o);
  if (o.queue_at) last_queue_ = o;
  // The newest queue sample stays even when it is older than the window, so that CPU samples do not push it
  // out.
  while (samples_.size() > 1 && samples_.front().at <= input.at - window_) samples_.pop_front();
  if (samples_.size() > kMaxSamples) samples_.pop_front();
  return o;
}

bool Meter::is_gap(Duration length) const {
  constexpr int kMissed = 3;  // samples that are known to come more rarely than others go stale are none
  return length > stale_after_ && pace_ && length > kMissed * *pace_;
}

void Meter::mark_age(Observation& o, Time now) const {
  o.queue_stale = !o.queue_at || now - *o.queue_at > stale_after_;
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
      if (const auto v = it->get(m.metric); v && !is_queue(m.metric)) o.set(m.metric, *v);
    }
    break;
  }
  mark_age(o, now);
  return o;
}

Observation Meter::mean(Time now) const {
  Observation o = latest(now);
  std::array<double, kMetricCount> sum{};
  std::array<int, kMetricCount> count{};
  double arrivals = 0, settled = 0;
  Duration length{};
  const auto take = [&](const Observation& s) {
    for (const auto& m : kMetrics) {
      if (const auto v = s.get(m.metric)) {
        sum[static_cast<std::size_t>(m.metric)] += *v;
        ++count[static_cast<std::size_t>(m.metric)];
      }
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
  if (length > Duration::zero()) {
    o.set(Metric::kQueueRateIn, arrivals / to_seconds(length));
    o.set(Metric::kQueueRateOut, std::max(0.0, settled) / to_seconds(length));
  }
  return o;
}

}  // namespace docktor
