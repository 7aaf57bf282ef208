// The Kubernetes Horizontal Pod Autoscaler's arithmetic, which `hpa` and `keda` share: one call per sync.
// Source: kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale (algorithm, configurable scaling
// behavior) and pkg/controller/podautoscaler of Kubernetes, whose rules are retold here.
#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"

namespace docktor::peers {

/// A scaling policy: so many replicas, or so many percent of those at the period's start, within one period.
struct HpaRate {
  bool percent = false;
  double value = 0;
  Duration period{};
};

/// `spec.behavior` with its documented defaults; of several rates the one that allows the largest change
/// counts.
struct HpaBehavior {
  Duration up_window{};
  Duration down_window = std::chrono::seconds(300);
  std::vector<HpaRate> up{{false, 4, std::chrono::seconds(15)}, {true, 100, std::chrono::seconds(15)}};
  std::vector<HpaRate> down{{true, 100, std::chrono::seconds(15)}};
};

struct HpaKnobs {
  int min_replicas = 1;
  int max_replicas = 1;
  double tolerance = 0.1;
  std::optional<HpaBehavior> behavior;  ///< absent: `spec.behavior: null`
  Duration downscale_stabilization =
      std::chrono::seconds(300);  ///< the controller's flag; only without behavior
};

/// An External metric with an AverageValue target. An absent usage is a metric that could not be read.
struct HpaMetric {
  std::optional<double> usage;  ///< the sum over all series
  double target = 1;            ///< per replica, > 0
};

/// Per metric: r = usage / (target × current); within 1 ± tolerance the current count, else ceil(usage / target).
/// Of several metrics the highest counts, and no fewer than now while one is missing. Then, for current within
/// bounds:
///
/// - without behavior: no lower than the highest raw proposal of the last 300 s, no higher than max(2 × current, 4).
///   The former holds upwards as well: after a spike it climbs towards the old peak although the queue is empty.
/// - with behavior: between the lowest proposal within the up window and the highest within the down window, as
///   near to current as they allow; then the rates, counted from the replicas at the period's start.
///
/// 0 replicas switch it off. Deterministic; not thread-safe.
class HpaLaw {
 public:
  explicit HpaLaw(HpaKnobs knobs) : knobs_(std::move(knobs)) {}

  /// What the count is set to by a sync at `now`.
  int sync(Time now, int current, const std::vector<HpaMetric>& metrics);

  /// Why the last sync did not take the proposal as it was; empty if it did. Of a rate and a bound the one that
  /// allows less.
  std::string_view limited() const { return limited_; }

 private:
  struct Stamped {
    Time at;
    int replicas;
  };

  std::optional<int> proposal(int current, const std::vector<HpaMetric>& metrics) const;
  int without_behavior(Time now, int current, int proposed);
  int with_behavior(const HpaBehavior& behavior, Time now, int current, int proposed);
  double bound(const std::vector<HpaRate>& rates, Time now, int current, bool up) const;
  static void note(std::deque<Stamped>& events, Time now, int replicas);
  static int changed(const std::deque<Stamped>& events, Time after);

  HpaKnobs knobs_;
  bool started_ = false;
  std::deque<Stamped> proposals_;  // raw ones, within the longest window
  std::deque<Stamped> added_;      // how many, and when
  std::deque<Stamped> removed_;
  std::string_view limited_;
};

}  // namespace docktor::peers
