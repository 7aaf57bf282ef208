// Named metrics at one instant, and what flowed since the sample before.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/metric.h"
#include "core/rebalance.h"
#include "core/sample.h"
#include "core/time.h"

namespace docktor {

/// Messages between two successive samples of a queue. All counts are finite and at least 0, but for
/// `settled`.
struct Flow {
  Duration length{};         ///< time between the two samples, > 0
  double arrivals = 0;       ///< messages that came for the consumer
  double deliveries = 0;     ///< first deliveries F
  double settled = 0;        ///< F minus the growth of num_ack_pending; may be negative for one sample
  bool upper_bound = false;  ///< arrivals are an upper bound: messages were redelivered meanwhile
};

struct NamedObservation;

/// A value may be absent ("no data"), which is never zero.
struct Observation {
  Time at{};                     ///< instant of the newest sample in it
  std::optional<Time> queue_at;  ///< instant of the newest queue sample
  std::optional<Time> usage_at;  ///< instant of the newest CPU sample
  bool queue_stale = false;      ///< the newest queue sample is too old to act on (only set at an evaluation)
  bool usage_stale = false;
  bool reset = false;        ///< the newest queue sample began a new window: counters went back
  bool gap = false;          ///< within the first window after a time without samples
  bool upper_bound = false;  ///< rate_in is an upper bound
  std::optional<Flow> flow;  ///< since the queue sample before; absent for the first of a window
  ReplicaCounts replicas;
  Rebalances rebalances;  ///< as learned until now
  QueueSample queue;      ///< the newest raw sample; meaningful when queue_at
  /// Of a service that works on several queues: each alone, in the order of their names; this is all together.
  std::vector<NamedObservation> parts;

  /// nullptr where there is no queue of that name.
  const Observation* part(std::string_view queue) const;

  std::optional<double> get(Metric m) const {
    const double v = values_[static_cast<std::size_t>(m)];
    if (std::isnan(v)) return std::nullopt;
    return v;
  }
  /// Sets a value; a number that is not finite makes it absent.
  void set(Metric m, double v) {
    values_[static_cast<std::size_t>(m)] = std::isfinite(v) ? v : std::numeric_limits<double>::quiet_NaN();
  }
  /// P + A: what the workers still have to do.
  double work() const {
    return static_cast<double>(queue.num_pending) + static_cast<double>(queue.in_hand());
  }

 private:
  static constexpr std::array<double, kMetricCount> nothing() {
    std::array<double, kMetricCount> a{};
    for (auto& v : a) v = std::numeric_limits<double>::quiet_NaN();
    return a;
  }
  std::array<double, kMetricCount> values_ = nothing();
};

/// One of several queues.
struct NamedObservation {
  std::string name;
  Observation seen;
};

inline const Observation* Observation::part(std::string_view queue) const {
  for (const auto& p : parts) {
    if (p.name == queue) return &p.seen;
  }
  return nullptr;
}

}  // namespace docktor
