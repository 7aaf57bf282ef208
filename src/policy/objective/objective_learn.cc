// What the objective policy makes of the samples: who worked, how busy they were, and what that teaches.
#include <algorithm>
#include <cmath>

#include "policy/objective/objective.h"

namespace docktor {

using namespace objective;

namespace {

// Messages that wait so long would have been taken by any idle worker: of max_wait, and of the delay after
// which workers were seen to see one.
constexpr double kSaturatedShare = 0.25;
constexpr double kSaturatedDelays = 1.5;
constexpr double kNoticed = 2;       // seconds: of those waits, the shortest that tells who is still starting
constexpr double kSameCount = 0.04;  // of the replicas: so many may be between two messages at an instant
constexpr double kExplained = 1.2;   // messages in hand over replicas that count as ready: only those work
constexpr double kYoungError = 0.25;  // of full speed, learned only from those that may be warming up
constexpr double kSpare = 0.7;        // of the replicas in messages in hand: less means that some are idle

// As Surprise has it, with forecasts in place of the level; newest last.
template <class Misses>
double surprise_of(const Misses& misses, double blind, double patience) {
  double most = 0, excess = 0, back = 0;
  for (auto it = misses.rbegin(); it != misses.rend() && back < blind; ++it) {
    excess += (it->came - it->forecast) * it->length;
    back += it->length;
    most = std::max(most, excess / (back + patience));
  }
  return most;
}

// What workers have taken is forgotten over the time of so many jobs.
constexpr double kJobsOfTaken = 2;

constexpr Duration kSameInstant = std::chrono::milliseconds(1);

}  // namespace

// Of a queue that counts nothing, what flowed follows from its gauges and from how long messages are in hand.
std::optional<Flow> ObjectivePolicy::inferred_flow(const Observation& sample, const Gauges& now) {
  if (sample.reset || !last_ || !flow_from_ || !sample.queue.num_ack_pending) {
    net_flow_.gap();
    return std::nullopt;
  }
  const Gauges& from = *flow_from_;
  const Duration length = now.at - from.at;
  if (length < sample.queue.step) return std::nullopt;
  if (to_seconds(length) > std::max(longest_gap_, 2 * to_seconds(sample.queue.step))) {
    net_flow_.gap();
    return std::nullopt;
  }
  const double idle_wait = std::max(kSaturatedShare * max_wait_, kSaturatedDelays * hand_.longest_delay());
  const bool steady = startup_.coming().empty() && from.replicas.current == now.replicas.current;
  return net_flow_.between(from, now, idle_wait, steady);
}

void ObjectivePolicy::observe(const Observation& sample) {
  if (!sample.queue_at) return;
  if (last_ && last_->at >= sample.at) {  // the clock was set back over a restart
    last_.reset();
    newest_.reset();
    flow_from_.reset();
  }
  learn_workers();
  const double in_hand = static_cast<double>(sample.queue.in_hand());
  dead_.at_most(in_hand);
  Gauges now{sample.at, sample.replicas, static_cast<double>(sample.queue.num_pending),
             in_hand - dead_.count()};
  const auto& totals = sample.queue.totals;
  const bool counted =
      sample.flow.has_value() || counts_ || totals.arrived || totals.delivered || totals.settled;
  counts_ = counted;
  // Who is given nothing does nothing, and that tells nothing of what he can.
  const bool stands = !sample.queue.paused.empty() || sample.queue.rebalancing;
  const std::optional<Flow> flow = counted ? sample.flow : inferred_flow(sample, now);
  if (last_) {
    startup_.add(last_->at, last_->replicas, now.at, now.replicas);
    if (to_seconds(now.at - last_->at) > longest_gap_) {
      gap_at_ = now.at;
      in_use_.clear();
    } else if (!capacity_.known()) {
      learn_unfinished(now, counted ? flow : std::nullopt);
    }
  } else {
    startup_.begin(now.at, now.replicas);
    working_ = now.replicas.ready;
  }
  if (flow && capacity_.known()) {
    taken_ *= std::exp(-to_seconds(flow->length) * planned_rate_ / kJobsOfTaken);
    taken_ += std::max(0.0, flow->deliveries);
  }
  if (flow) arrivals_.add({sample.at, flow->length, flow->arrivals});
  const bool waiting = last_ && last_->pending > 0 && now.pending > 0;
  const bool died = flow && counted && dead_.look(in_hand, waiting, *flow, capacity_, max_wait_);
  if (sample.reset) arrivals_.forget_seen();
  arrivals_.see(now.at, now.pending);
  std::vector<Waiting> since;
  arrivals_.waiting(now.pending, now.at, since);
  now.oldest = since.empty() ? 0 : since.front().oldest;
  const bool backlog =
      now.pending > now.replicas.ready && now.oldest > kSaturatedDelays * hand_.longest_delay();
  too_few_.seen(now.at, std::max(0, now.replicas.current - static_cast<int>(startup_.coming().size())),
                backlog);
  if (sample.queue.num_ack_pending) {
    in_use_.add(now.at, std::min<double>(now.replicas.current, in_hand + now.pending));
  } else {
    in_use_.clear();
  }
  if (flow) {
    // Counters that move in steps make longer flows, which began some samples ago.
    const double longest = std::max(longest_gap_, 2 * to_seconds(sample.queue.step));
    const bool watched = last_ && to_seconds(flow->length) <= longest;
    const Time began = sample.at - flow->length;
    const bool known =
        flow_from_ && flow_from_->at - began < kSameInstant && began - flow_from_->at < kSameInstant;
    const bool teaches = watched && !stands && !stood_still_;
    if (teaches) newest_ = Evidence{known ? *flow_from_ : *last_, now, *flow, !counted};
    if (!watched) working_ = std::max(0, now.replicas.current - static_cast<int>(startup_.coming().size()));
    surprise_.add(arrivals_, blind(), kShareOfWait * max_wait_, min_replicas_ * planned_rate_);
    learn_rhythm(arrivals_.slots().back());
    learn_trend(arrivals_.slots().back());
    if (teaches) learn_lateness(now, *flow);
  }
  if (died) {
    newest_.reset();
    capacity_ = dead_.before();
    planned_rate_ = capacity_.cautious_rate();
  }
  if (flow || sample.reset || !flow_from_ || sample.queue.step == Duration::zero()) flow_from_ = now;
  stood_still_ = stands || (stood_still_ && !flow);  // somewhere within the next flow
  falling_ = last_ ? (last_->pending - now.pending) / to_seconds(now.at - last_->at) : 0;
  last_ = now;
}

// Replica-seconds of work since the last message was finished, where none has shown the capacity yet.
void ObjectivePolicy::learn_unfinished(const Gauges& now, const std::optional<Flow>& flow) {
  const double hands = std::min({last_->in_hand, now.in_hand, static_cast<double>(now.replicas.current)});
  const bool none = flow && flow->settled <= 0;
  unfinished_ = none ? unfinished_ + hands * to_seconds(now.at - last_->at) : 0;
}

// What the evidence says of who worked, and how busy they were.
Span ObjectivePolicy::judge(const Evidence& e) {
  Span span;
  span.at = e.after.at;
  span.seconds = to_seconds(e.flow.length);
  span.settled = e.flow.settled;
  const double waited =
      std::max({span.seconds, kSaturatedShare * max_wait_, kSaturatedDelays * hand_.longest_delay()});
  span.saturated =
      e.before.pending > 0 && e.after.pending > 0 && e.before.oldest >= waited && e.after.oldest >= waited;
  const int current = e.after.replicas.current;
  // Who starts is seen sooner than that: at worst one that works is taken to start for a while longer.
  const double noticed = std::max({span.seconds, std::min(kNoticed, kSaturatedShare * max_wait_),
                                   kSaturatedDelays * hand_.longest_delay()});
  const bool backlog = e.before.pending > 0 && e.after.oldest >= noticed && e.after.pending > 0;
  std::optional<int> idle;
  if (backlog) {
    const int busy = static_cast<int>(std::clamp(e.after.in_hand / hand_.messages() + 0.5, 0.0, 1e6));
    idle = std::max(0, current - busy);
    // What prefetching workers hold varies too much to tell who works before he is called ready; so does what
    // is held while nobody knows how much that is.
    if (!hand_.known() || !hand_.one_at_a_time()) idle = std::max(*idle, current - e.after.replicas.ready);
  }
  startup_.works(e.before.at, e.after.at, idle);
  const double before = std::min<double>(working_, e.before.replicas.current);
  working_ = std::max(0, current - static_cast<int>(startup_.coming().size()));
  // Where a hand holds one message, the hands count those that work. More than one is a dead worker's: to
  // divide by it would credit those that work with what others did, once that message is nobody's any more.
  if (idle && span.saturated && hand_.one_at_a_time())
    working_ = std::min<double>(current, e.after.in_hand / std::min(1.0, hand_.messages()));
  span.working = (before + working_) / 2;
  const double change = std::fabs(working_ - before);
  span.blur = change > kSameCount * std::max(1.0, working_) ? change * span.seconds : 0;
  // Until it is known what a hand holds, those that start may have worked, too: nobody gets the credit.
  const bool explained = e.after.in_hand <= kExplained * e.after.replicas.ready;
  span.unclear = !hand_.known() && !startup_.coming().empty() && !explained;
  // Likewise where hands hold several: who counts as ready and is taken to start may hold some of them.
  const int ready_coming = static_cast<int>(startup_.coming().size()) - (current - e.after.replicas.ready);
  span.unclear |= !hand_.one_at_a_time() && ready_coming > 0 && e.after.in_hand > working_;
  span.young = std::min(span.working, static_cast<double>(startup_.young().size()));
  span.missing = warm_up_.missing(startup_.young(), e.after.at);
  const auto busy = [&](double hand) {
    return (std::min<double>(e.before.in_hand / hand, e.before.replicas.current) +
            std::min<double>(e.after.in_hand / hand, current)) /
           2;
  };
  span.busy = busy(hand_.messages());
  span.most_busy = busy(std::min(1.0, hand_.messages()));
  return span;
}

void ObjectivePolicy::learn_workers() {
  if (!newest_) return;
  const Evidence e = *newest_;
  newest_.reset();
  const Span span = judge(e);
  const int current = e.after.replicas.current;
  const bool steady = startup_.coming().empty() && current == e.before.replicas.current && current > 0;
  hand_.held(current > 0 ? e.after.in_hand / current : 0);
  if (span.saturated && steady) hand_.full(e.after.in_hand, current);
  const bool spare = steady && e.before.in_hand < kSpare * current && e.after.in_hand < kSpare * current;
  // Before the first message is settled nothing shows that anybody looks for one.
  if (spare && !span.saturated && capacity_.known()) hand_.idle(e.after.oldest);
  if (e.inferred) {
    if (const auto one = net_flow_.capacity()) capacity_.told(one->rate, one->error);
    planned_rate_ = capacity_.cautious_rate();
    return;
  }
  learn_warm_up(span);
  capacity_.add(span, !hand_.one_at_a_time());
  const double mu = capacity_.rate();
  bottleneck_.add(span, e.after.replicas, startup_.coming().empty(), e.after.in_hand,
                  {capacity_.spread(), startup_.mean(), mu > 0 ? 1 / mu : 0});
  // Replicas that a bottleneck kept from doing more looked as if they were warming up.
  if (bottleneck_.most()) warm_up_ = {};
  // A rate that falls while replicas join may be a bottleneck's doing: no order rests on it before that is
  // judged.
  const bool suspicious = bottleneck_.pending() && capacity_.learned() && planned_rate_ > 0;
  planned_rate_ = suspicious ? std::max(planned_rate_, capacity_.cautious_rate()) : capacity_.cautious_rate();
}

void ObjectivePolicy::learn_warm_up(const Span& span) {
  if (!span.saturated || !capacity_.learned() || startup_.young().empty()) return;
  const double mu = capacity_.rate(), expected = std::max(1.0, mu * span.working * span.seconds);
  // Chance, when in the span replicas began or ended, and what is not known of full speed itself.
  const double blur = span.blur / span.seconds;
  const double unsure = span.working * kYoungError * capacity_.by_young();
  const double variance = capacity_.spread() * expected / (mu * span.seconds * mu * span.seconds) +
                          blur * blur / 12 + unsure * unsure;
  warm_up_.add(startup_.young(), span.at, span.seconds, span.working, span.settled / (mu * span.seconds),
               variance);
}

// While the capacity is not known, or nobody is given messages, none is late for want of headroom.
void ObjectivePolicy::learn_lateness(const Gauges& now, const Flow& flow) {
  if (!flow_from_ || !capacity_.known() || blind() <= 0) return;
  const double queued = flow_from_->pending + flow.arrivals, length = to_seconds(flow.length);
  std::vector<Waiting> all;
  arrivals_.waiting(queued, now.at, all);
  const double late = late_of(all, queued - now.pending, length, wait_in_queue());
  const auto& surprise = (follows_rhythm() ? rhythm_surprise_ : surprise_).newest();
  lateness_.add(flow.arrivals, late, surprise && surprise->first > headroom_, length);
}

void ObjectivePolicy::learn_rhythm(const Slot& slot) {
  const std::int64_t before = rhythm_.closed();
  rhythm_.add(slot, arrivals_.level(), startup_.mean() + reaction_.seconds());
  if (rhythm_.closed() == before || rhythm_.misses().empty()) return;
  const auto& misses = rhythm_.misses();
  const double most = surprise_of(misses, blind(), kShareOfWait * max_wait_);
  rhythm_surprise_.add(most, slot.count, to_seconds(slot.length));
}

void ObjectivePolicy::learn_trend(const Slot& slot) {
  if (!looks_for_trend()) {
    trend_.clear();
    return;
  }
  trend_.add(arrivals_, blind());
  if (trend_.misses().empty()) return;
  const double most = surprise_of(trend_.misses(), blind(), kShareOfWait * max_wait_);
  trend_surprise_.add(most, slot.count, to_seconds(slot.length));
}

}  // namespace docktor
