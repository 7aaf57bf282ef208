// What flowed between two samples of a consumer that reads a log by sequence numbers. It stands in core, not
// in the folder of a kind, since journals hold these numbers and are read without the kind.
#include <algorithm>
#include <cstdint>

#include "core/flow.h"

namespace docktor {
namespace {

double delta(std::uint64_t before, std::uint64_t after) {
  return after >= before ? static_cast<double>(after - before) : -static_cast<double>(before - after);
}

double delta(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after) {
  return before && after ? delta(*before, *after) : 0.0;
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
  return went_back(before.delivered_consumer_seq, after.delivered_consumer_seq) ||
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
  // Servers count the pending messages of a filtered consumer too high for a moment, and correct that.
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

std::optional<Flow> flow_by_sequences(const QueueSample& before, const QueueSample& after, Duration length) {
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

}  // namespace docktor
