#include "queues/rabbitmq/sample_maker.h"

#include <fmt/format.h>

#include <utility>

namespace docktor {

namespace {

using std::chrono::milliseconds;

// Counters move each 5 s; a flow begins with a move, and where none comes after this long.
constexpr Duration kLeastStep = std::chrono::seconds(4);
constexpr Duration kMostStep = std::chrono::seconds(8);
constexpr Duration kCountersBy = std::chrono::seconds(20);  // of work: whoever counts has told by then
constexpr Duration kToldStep =
    std::chrono::seconds(3);  // less than kLeastStep: samples are taken in a little later or earlier
// A is up to 9 s old: what it says of dead hands is believed once it must have been told anew. A connection
// that is cut gives its messages back at once.
constexpr Duration kHandsTold = std::chrono::seconds(15);
// Without the API nothing is known of hands.
constexpr Duration kHandsUntold = std::chrono::seconds(30);
// A quorum queue answers 0 where its leader takes longer than 250 ms.
constexpr Duration kSlow = milliseconds(200);
constexpr Duration kVanishedFor = std::chrono::seconds(60);

}  // namespace

bool SampleMaker::needs_fresh(const Declared& declared, const std::optional<KnownFigures>& known) const {
  const bool quorum = quorum_ || (known && known->figures.type == "quorum");
  return quorum && declared.messages == 0 && !zero_confirmed_;
}

// P, or why it is not known.
Result<std::uint64_t> SampleMaker::ready(SteadyTime now, const Declared& declared,
                                         const std::optional<KnownFigures>& known) {
  const auto before = std::exchange(last_, declared);
  const bool was_confirmed = std::exchange(zero_confirmed_, false);
  if (declared.messages > 0) {
    vanished_.reset();
    return declared.messages;
  }
  if (known ? known->figures.type == "quorum" : quorum_) {
    // Figures of before the leader went would confirm any zero.
    if (!known || (!was_confirmed && known->asked < declared.at))
      return fail(
          ErrorCode::kUnavailable,
          fmt::format(
              "quorum queue {} shows 0 messages, as it also does without a leader, and the management "
              "API, which could tell, does not answer",
              queue_),
          true);
    const auto& f = known->figures;
    if (f.leaderless)
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("quorum queue {} has no leader: how many messages it holds is not known; start the "
                      "nodes that hold it",
                      queue_),
          true);
    if (!f.ready)
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("quorum queue {} shows 0 messages, and the management API has no figures yet that "
                      "confirm it",
                      queue_),
          true);
    if (*f.ready > 0) return *f.ready;  // older than AMQP's 0, but that one may be none
    if (declared.took >= kSlow)
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("quorum queue {} answers slowly, and 0 messages may be its way of saying so", queue_),
          true);
    zero_confirmed_ = true;
    return std::uint64_t{0};
  }
  if (known) return std::uint64_t{0};
  // Whether it is a quorum queue AMQP does not tell. Without a leader messages and consumers are gone at once.
  if (before && before->messages > 0 && before->consumers > 0 && declared.consumers == 0) vanished_ = now;
  if (declared.consumers > 0) vanished_.reset();
  if (vanished_ && now - *vanished_ < kVanishedFor)
    return fail(
        ErrorCode::kUnavailable,
        fmt::format(
            "messages and consumers of queue {} went at once: it is empty and left by all, or a quorum "
            "queue without leader; the management API could tell",
            queue_),
        true);
  return std::uint64_t{0};
}

void SampleMaker::count(SteadyTime now, const QueueFigures& figures, QueueSample& into) {
  const auto before = std::exchange(stats_, figures.stats);
  const auto first = [](const QueueFigures::Stats& s) { return s.deliver_get.value_or(0) - s.redeliver; };
  const bool back = before && (!stats_ || stats_->publish < before->publish ||
                               stats_->deliver_get.value_or(0) < before->deliver_get.value_or(0) ||
                               first(*stats_) < first(*before));
  if (back) {
    ++epoch_;
    moved_.reset();
    arrivals_ = {};
  }
  into.totals.incarnation = std::to_string(epoch_);
  into.step = kMostStep;  // gauges move as seldom as counters
  if (!stats_) {
    moved_.reset();
    return wait_for_counters(now, into);
  }
  // With consumers there are deliveries: the server has not told them yet, and its first word is of all so far. Nor
  // does counting begin while its gauges are still those of before the work came.
  const bool idle = figures.ready == 0 && figures.unacknowledged == 0;
  const bool before_work = !moved_ && idle && into.num_pending > 0 && into.consumers.value_or(0) > 0;
  if (before_work || (!stats_->deliver_get && (into.consumers.value_or(0) > 0 || into.in_hand() > 0))) {
    moved_.reset();
    return wait_for_counters(now, into);
  }
  untold_since_.reset();
  into.totals.delivered = first(*stats_);
  const ArrivalsCount::Figures counted{stats_->publish, first(*stats_), into.num_pending};
  const bool moved = before && *before != *stats_;
  if (!moved_) {  // the first flow begins here
    arrivals_.begin(counted);
    moved_ = now;
  } else if ((moved && now - *moved_ >= kLeastStep) || now - *moved_ >= kMostStep) {
    arrivals_.step(counted);
    into.step = kToldStep;
    moved_ = now;
  }
  into.totals.arrived = arrivals_.total(stats_->publish);
}

// Work has begun and the server has not counted any yet, which it does seconds later: what is in hand, told as seldom, would
// look like one long job. Where the server counts nothing at all there is nothing better.
void SampleMaker::wait_for_counters(SteadyTime now, QueueSample& into) {
  if (into.consumers.value_or(0) == 0 || (into.num_pending == 0 && into.in_hand() == 0)) return;
  if (!untold_since_) untold_since_ = now;
  if (now - *untold_since_ >= kCountersBy) return;
  into.num_ack_pending.reset();
  into.redelivered_after = kHandsUntold;
}

Result<QueueSample> SampleMaker::make(SteadyTime now, std::int64_t unix_now, const Declared& declared,
                                      const std::optional<KnownFigures>& known) {
  if (known && !known->figures.type.empty()) quorum_ = known->figures.type == "quorum";
  if (known && known->figures.type == "stream") {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("queue {} is a stream: RabbitMQ tells how much it keeps, and not how much of that its "
                    "consumers have not read, so there is no backlog; use a classic or quorum queue",
                    queue_));
  }
  const auto p = ready(now, declared, known);
  if (!p) return tl::unexpected(p.error());
  QueueSample q;
  q.num_pending = *p;
  q.consumers = declared.consumers;
  q.num_ack_pending.reset();
  q.redelivered_after = kHandsUntold;
  q.totals.incarnation = std::to_string(epoch_);
  if (!known) {
    moved_.reset();
    return q;
  }
  const auto& f = known->figures;
  if (f.unacknowledged) {
    q.num_ack_pending = f.unacknowledged;
    q.redelivered_after = kHandsTold;
  }
  if (f.head_timestamp && q.num_pending > 0 && *f.head_timestamp > 0 && *f.head_timestamp <= unix_now)
    q.oldest_age = std::chrono::seconds(unix_now - *f.head_timestamp);
  if (f.single_active_consumer) q.useful = UsefulReplicas{1, "the queue has a single active consumer"};
  count(now, f, q);
  return q;
}

}  // namespace docktor
