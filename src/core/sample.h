// What a source showed at one instant: counters and gauges, never a rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace docktor {

/// How a log keeps its messages: decides how arrivals are counted where it is read by sequence numbers.
enum class Retention { kLimits, kWorkQueue, kInterest };

/// Totals that only grow, as a queue counts them; absent where it does not. At least one of `arrived`,
/// `delivered` and `settled` makes a flow: the others follow from the gauges.
struct Totals {
  std::string incarnation;                 ///< another text: they began anew (a restart, another queue)
  std::optional<std::uint64_t> arrived;    ///< messages that came
  std::optional<std::uint64_t> delivered;  ///< first deliveries; a redelivery is not one
  std::optional<std::uint64_t> settled;    ///< finished, those given up left out
  bool upper_bound = false;                ///< `arrived` may count messages that never came
  friend bool operator==(const Totals&, const Totals&) = default;
};

/// More replicas than this are of no use to the queue.
struct UsefulReplicas {
  int most = 1;
  std::string why;  ///< "12 partitions"
  friend bool operator==(const UsefulReplicas&, const UsefulReplicas&) = default;
};

/// Most queues that one service may work on.
inline constexpr std::size_t kMaxQueues = 32;

struct NamedSample;

/// What a queue showed at one instant. An absent figure is "not told", never zero. A queue counts either by
/// totals, or by the sequence numbers of a log that a consumer reads (`delivered_consumer_seq` is there), or
/// not at all.
struct QueueSample {
  // Gauges.
  std::uint64_t num_pending = 0;                     ///< P: messages ready and not yet delivered
  std::optional<std::uint64_t> num_ack_pending = 0;  ///< A: delivered, not yet settled
  std::optional<std::uint64_t> num_waiting;          ///< open pulls
  std::optional<std::uint64_t> num_redelivered;      ///< does not fall while messages are re-tried
  std::optional<std::uint64_t> dead;  ///< messages past their last delivery, counted since the watch began
  std::optional<std::uint64_t> scheduled;  ///< waiting for their time, not part of P
  std::optional<std::uint64_t> consumers;
  std::optional<Duration> oldest_age;                     ///< of the oldest message that waits
  std::optional<UsefulReplicas> useful;                   ///< a bound on the replicas that the queue can feed
  Duration redelivered_after = std::chrono::seconds(30);  ///< a message in dead hands comes again then
  Duration step{};  ///< the figures move only this often (0: with each read); they are as old as that at most

  // Counters.
  Totals totals;
  std::optional<std::uint64_t> delivered_consumer_seq;  ///< C: deliveries, redeliveries included
  std::optional<std::uint64_t> delivered_stream_seq;    ///< S: sequence of the last delivery in the log
  std::optional<std::uint64_t> ack_floor_consumer_seq;
  std::optional<std::uint64_t> ack_floor_stream_seq;
  std::optional<std::uint64_t> first_seq;        ///< the log's oldest message still there
  std::optional<std::uint64_t> last_seq;         ///< L: the log's last sequence
  std::optional<std::uint64_t> stream_messages;  ///< messages in the log now
  std::optional<std::uint64_t>
      subject_messages;  ///< messages in the log now that match the consumer's filter
  std::string created;   ///< the consumer's creation time, as text; empty when not told
  std::string paused;    ///< "consumer W is paused until ...": the queue gives nothing out; empty: it does
  bool rebalancing =
      false;  ///< its consumers stand still while work is given out anew, as after each change of their number
  bool filtered = false;     ///< the consumer has a filter that leaves out a part of the log
  bool can_discard = false;  ///< the log may drop messages (age, count, bytes, per subject)
  Retention retention = Retention::kLimits;

  /// Of a service that works on several queues: what each showed, in the order of their names. The gauges above
  /// are then those of all together (core/several.h), and the counters are in the parts alone.
  std::vector<NamedSample> parts;

  /// A, or what is known of it; 0 where nothing is told. For arithmetic only: whether the queue is idle,
  /// in_hand() == 0 does not say.
  std::uint64_t in_hand() const;
};

/// One of several queues.
struct NamedSample {
  std::string name;
  QueueSample shown;
};

inline std::uint64_t QueueSample::in_hand() const {
  if (num_ack_pending) return *num_ack_pending;
  std::uint64_t known = 0;
  for (const auto& part : parts) known += part.shown.in_hand();
  return known;
}

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
  int ready = 0;       ///< of current: able to work
  int failing = 0;     ///< of current: exited at once and waiting to be restarted
  int not_placed = 0;  ///< of current: the engine finds no room for them; they may never start
  friend bool operator==(const ReplicaCounts&, const ReplicaCounts&) = default;
};

/// All that an autoscaler is told at one instant: the line of `docktor decide` and of the journal's inputs.
struct Input {
  Time at;
  ReplicaCounts replicas;
  std::optional<QueueSample> queue;
  std::optional<std::vector<ReplicaUsage>> usage;  ///< of all ready replicas; never of a part of them
};

}  // namespace docktor
