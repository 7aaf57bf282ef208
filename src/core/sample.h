// What a source showed at one instant: counters and gauges, never a rate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace docktor {

/// How a stream keeps messages; decides how arrivals are counted (design: what a JetStream consumer tells).
enum class Retention { kLimits, kWorkQueue, kInterest };

/// A queue consumer's counters. Field names are the JetStream API's; other queues map onto them.
struct QueueSample {
  std::uint64_t num_pending = 0;                      ///< P: messages not yet delivered
  std::uint64_t num_ack_pending = 0;                  ///< A: delivered, not yet settled
  std::uint64_t delivered_consumer_seq = 0;           ///< C: deliveries, redeliveries included
  std::optional<std::uint64_t> delivered_stream_seq;  ///< S: stream sequence of the last delivery
  std::optional<std::uint64_t> ack_floor_consumer_seq;
  std::optional<std::uint64_t> ack_floor_stream_seq;
  std::optional<std::uint64_t> first_seq;        ///< the stream's oldest message still there
  std::optional<std::uint64_t> last_seq;         ///< L: the stream's last sequence
  std::optional<std::uint64_t> stream_messages;  ///< messages in the stream now
  std::optional<std::uint64_t>
      subject_messages;                      ///< messages in the stream now that match the consumer's filter
  std::optional<std::uint64_t> num_waiting;  ///< open pulls
  std::optional<std::uint64_t> num_redelivered;  ///< gauge; does not fall while messages are re-tried
  std::optional<std::uint64_t> dead;             ///< messages past max_deliver, counted since the watch began
  std::string created;    ///< the consumer's creation time, as text; empty when not told
  std::string paused;     ///< "consumer W is paused until ...": the queue gives nothing out; empty: it does
  bool filtered = false;  ///< the consumer has a filter that leaves out a part of the stream
  bool can_discard = false;  ///< the stream may drop messages (age, count, bytes, per subject)
  Retention retention = Retention::kLimits;
  Duration ack_wait = std::chrono::seconds(30);
};

/// CPU and memory of one ready replica at one instant. Starting, stopped and first-sample replicas are left
/// out.
struct ReplicaUsage {
  std::string id;
  double cpu = 0;                       ///< percent of one core since the sample before
  std::optional<double> cpu_limit_pct;  ///< percent of the replica's CPU limit
  std::optional<double> mem;            ///< bytes
  std::optional<double> mem_limit_pct;  ///< percent of the replica's memory limit
};

/// How many replicas a service has. `current` counts those asked for and not stopping.
struct ReplicaCounts {
  int current = 0;
  int ready = 0;    ///< of current: able to work
  int failing = 0;  ///< of current: exited at once and waiting to be restarted
  friend bool operator==(const ReplicaCounts&, const ReplicaCounts&) = default;
};

/// All that an autoscaler is told at one instant: the line of `docktor decide` and of the journal's inputs.
struct Input {
  Time at;
  ReplicaCounts replicas;
  std::optional<QueueSample> queue;
  std::optional<std::vector<ReplicaUsage>> usage;
};

}  // namespace docktor
