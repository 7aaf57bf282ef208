// The named metrics of an observation: one table, from which rules, journal, validation and docs take their
// names.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace docktor {

enum class Metric {
  kQueueBacklog,
  kQueueLag,
  kQueueRateIn,
  kQueueRateOut,
  kQueueAckPending,
  kQueueRedelivered,
  kQueueWaiting,
  kQueueDead,
  kQueueScheduled,
  kQueueConsumers,
  kQueueOldestAge,
  kCpuAvg,
  kCpuMin,
  kCpuMax,
  kCpuLimitPct,
  kMemUsed,
  kMemLimitPct,
};

struct MetricInfo {
  Metric metric;
  std::string_view name;
  std::string_view unit;
  std::string_view meaning;
};

inline constexpr std::array<MetricInfo, 17> kMetrics{{
    {Metric::kQueueBacklog, "queue.backlog", "messages", "pending for the consumer, not yet delivered"},
    {Metric::kQueueLag, "queue.lag", "messages",
     "stream's last sequence minus the consumer's delivered one, all subjects"},
    {Metric::kQueueRateIn, "queue.rate_in", "messages/s", "arrivals for the consumer"},
    {Metric::kQueueRateOut, "queue.rate_out", "messages/s", "messages settled by the workers"},
    {Metric::kQueueAckPending, "queue.num_ack_pending", "messages", "delivered and not yet acknowledged"},
    {Metric::kQueueRedelivered, "queue.num_redelivered", "messages",
     "delivered more than once and not yet acknowledged (a gauge)"},
    {Metric::kQueueWaiting, "queue.num_waiting", "pulls", "open pull requests"},
    {Metric::kQueueDead, "queue.dead", "messages",
     "given up after max_deliver attempts, since docktor began to watch"},
    {Metric::kQueueScheduled, "queue.scheduled", "messages",
     "waiting for their time, not part of the backlog"},
    {Metric::kQueueConsumers, "queue.consumers", "consumers", "workers that the queue knows of"},
    {Metric::kQueueOldestAge, "queue.oldest_age", "s", "age of the oldest message that waits"},
    {Metric::kCpuAvg, "cpu.avg", "% of one core", "mean CPU of the ready replicas"},
    {Metric::kCpuMin, "cpu.min", "% of one core", "CPU of the least busy ready replica"},
    {Metric::kCpuMax, "cpu.max", "% of one core", "CPU of the busiest ready replica"},
    {Metric::kCpuLimitPct, "cpu.limit_pct", "% of the limit",
     "mean CPU of the ready replicas against their limit"},
    {Metric::kMemUsed, "mem.used", "bytes", "mean memory of the ready replicas"},
    {Metric::kMemLimitPct, "mem.limit_pct", "% of the limit",
     "mean memory of the ready replicas against their limit"},
}};
inline constexpr std::size_t kMetricCount = kMetrics.size();

inline constexpr const MetricInfo& info(Metric m) { return kMetrics[static_cast<std::size_t>(m)]; }
inline constexpr std::string_view name(Metric m) { return info(m).name; }
inline constexpr bool is_queue(Metric m) { return m <= Metric::kQueueOldestAge; }

/// The metric of that name; `cpu.avg_pct` is an alias of `cpu.avg`. Nothing for an unknown name.
inline constexpr std::optional<Metric> metric_named(std::string_view text) {
  if (text == "cpu.avg_pct") return Metric::kCpuAvg;
  for (const auto& m : kMetrics) {
    if (m.name == text) return m.metric;
  }
  return std::nullopt;
}

/// A metric of one of several queues.
struct QueueMetric {
  std::string_view queue;
  Metric metric;
};

/// `queue.mail.backlog` is queue.backlog of the queue mail. Nothing for another text, also for the metrics of all
/// queues together.
inline constexpr std::optional<QueueMetric> queue_metric_named(std::string_view text) {
  constexpr std::string_view kQueue = "queue.";
  if (!text.starts_with(kQueue)) return std::nullopt;
  const auto rest = text.substr(kQueue.size());
  const auto dot = rest.find('.');
  if (dot == 0 || dot == std::string_view::npos) return std::nullopt;
  for (const auto& m : kMetrics) {
    if (is_queue(m.metric) && m.name.substr(kQueue.size()) == rest.substr(dot + 1))
      return QueueMetric{rest.substr(0, dot), m.metric};
  }
  return std::nullopt;
}

/// The other way round; `metric` is one of queue.*.
inline std::string name_of(std::string_view queue, Metric metric) {
  constexpr std::string_view kQueue = "queue";
  std::string text(kQueue);
  text += '.';
  text += queue;
  text += name(metric).substr(kQueue.size());
  return text;
}

}  // namespace docktor
