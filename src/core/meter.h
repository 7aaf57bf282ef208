// Turns successive samples into observations: rates, windows, resets of a counter, age.
#pragma once

#include <array>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/observation.h"
#include "core/rebalance.h"
#include "core/sample.h"
#include "core/time.h"

namespace docktor {

/// Two samples that lie further apart than samples come (an outage, a restart, a clock that jumped) have no
/// flow between them: nobody saw when it came, or whether anybody worked. A new window begins there, marked
/// as gap until it is whole.
///
/// Of several queues, all are measured together and each alone: the flow of all is the sum of their flows, over
/// the same time, and is not known where one is not.
///
/// Not thread-safe. Memory is bounded by kMaxSamples, of each queue.
class Meter {
 public:
  static constexpr std::size_t kMaxSamples = 4096;

  /// Over less than `shortest` no mean of a rate is known: what came at one instant between two samples that happen to lie
  /// close together (a message woke docktor, or it has just begun) is no thousand a second.
  Meter(Duration window, Duration stale_after, Duration shortest = {});

  /// Takes a sample in; `input.at` must be later than the one before (else it is ignored and nothing is
  /// returned).
  std::optional<Observation> observe(const Input& input);

  /// The newest sample's observation, marked stale by its age at `now`.
  Observation latest(Time now) const;

  /// Means over the window that ends at `now` (always with the newest sample in it), marked stale by their
  /// age. Gauges are means over samples, rates are counts over time.
  Observation mean(Time now) const;

  /// The window as it stands, so that a restart goes on where it was. restore() ignores what is missing or
  /// absurd, and a window that ends after `now` (the clock was set back).
  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state, Time now);

 private:
  struct Part;
  // What of a sample goes into means, and no more: of thousands of services these are most of what is kept.
  struct Seen {
    Time at{};
    std::optional<Time> usage_at;
    bool queue = false;  // there was a sample of the queue
    ReplicaCounts replicas;
    std::optional<Flow> flow;
    std::array<double, kMetricCount> values{};  // NaN: not known
  };
  static Seen seen_of(const Observation& o);
  static nlohmann::json to_state(const Seen& seen);
  static std::optional<Seen> seen_from(const nlohmann::json& state);

  void measure_parts(const Input& input);
  void measure_flow(Observation& o);
  void mark_age(Observation& o, Time now) const;
  bool is_gap(Duration length) const;

  Duration window_;
  Duration stale_after_;
  Duration shortest_;
  std::deque<Seen> samples_;  // one per input of the present window, oldest first
  std::optional<Observation> last_queue_;
  std::optional<Observation> flow_from_;  // the queue sample from which the next flow is counted
  std::optional<Time> last_at_;
  std::optional<Duration> pace_;  // between the last two queue samples
  std::optional<Time> gap_end_;   // the first sample after a time without
  RebalanceMeter rebalance_;
  std::vector<Part> parts_;  // each of several queues alone
};

struct Meter::Part {
  std::string name;
  Meter meter;
};

}  // namespace docktor
