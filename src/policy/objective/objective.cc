#include "policy/objective/objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/reasons.h"

namespace docktor {

using namespace objective;

namespace {

// The wait budget is not spent to the last: a part of the time that passes before a decision, and the start
// that takes a standard deviation longer than usual.
constexpr double kReactionsKept = 0.5;
constexpr double kDeviationsKept = 1.0;
constexpr double kSecondsKept = 0.1;
constexpr double kLeastPatience = 0.2;  // of max_wait, whatever the margins say

// Seconds of arrivals at the present level that the plan looks beyond what it must. Results hardly depend on
// it (docs).
constexpr double kLookAhead = 4;
constexpr int kSteps = 8;  // of what comes until then

// A burst that repeats is looked at for so many max_waits, in so many steps at most.
constexpr double kWaitsAhead = 6;
constexpr int kRhythmSteps = 32;

// What is late already shall begin within this part of max_wait (or of the start-up, where that is longer)
// after new replicas are able to work: sooner would cost more starts than it saves waits.
constexpr double kMercy = 0.25;

// Standard errors within which what came while a backlog grew is no change of the level, but chance: it is
// the more for having been picked out by the backlog, and the level tells better what was too much.
constexpr double kSameErrors = 3;

// Where the queue counts nothing and a job's time may be learned too short. Shares of max_wait that the plan is for: while that
// time is hardly known, and when it is known well.
constexpr double kShareOfUncounted = 0.6, kShareOfKnown = 0.9;

// Standard deviations of the logarithm of that time from which on it counts as hardly known.
constexpr double kHardlyKnown = 0.4;

}  // namespace

ObjectivePolicy::ObjectivePolicy(const ServiceSpec& spec)
    : max_wait_(to_seconds(spec.objective.value_or(ObjectiveSpec{}).max_wait)),
      quantile_(spec.objective.value_or(ObjectiveSpec{}).quantile),
      max_headroom_(spec.objective.value_or(ObjectiveSpec{}).max_headroom),
      check_(to_seconds(spec.check_interval)),
      longest_gap_(to_seconds(spec.stale_after())),
      min_replicas_(spec.limits.min_replicas),
      arrivals_(to_seconds(spec.shortest_flow())),
      hand_(max_wait_),
      startup_(max_wait_ / 2, longest_gap_),
      reaction_(check_, check_ + to_seconds(spec.stale_after())),
      rhythm_(std::max(1.0, to_seconds(spec.sample_interval))) {}

// Prefetched messages wait in a worker's hand behind the others there.
double ObjectivePolicy::hand_wait() const {
  return capacity_.known() ? std::max(0.0, hand_.most() - 1) / capacity_.rate() : 0;
}

double ObjectivePolicy::patience(double deviations) const {
  // What hands hold that hold several messages varies too much.
  const double known = hand_.one_at_a_time() ? std::clamp(1 - net_flow_.error() / kHardlyKnown, 0.0, 1.0) : 0;
  const double share = counts_ ? 1 : kShareOfUncounted + known * (kShareOfKnown - kShareOfUncounted);
  const double p = share * max_wait_ - kSecondsKept - kReactionsKept * reaction_.seconds() -
                   deviations * startup_.deviation() - hand_.longest_delay() - hand_wait();
  return std::max(p, kLeastPatience * max_wait_);
}

// Of max_wait, what a message may wait before a worker takes it.
double ObjectivePolicy::wait_in_queue() const {
  return std::max(kLeastPatience * max_wait_, max_wait_ - hand_.longest_delay() - hand_wait());
}

double ObjectivePolicy::blind() const {
  return std::max(0.0, startup_.mean() + reaction_.seconds() - kShareOfWait * wait_in_queue());
}

// What comes too fast is taken by hands that are free for as long as a job takes; but who is free takes a message at once, so
// that no more of them are needed than messages come in the time that an order and its start take, and one may wait.
double ObjectivePolicy::seconds_of_a_hand() const {
  const double job = 1 / planned_rate_;
  return hand_.one_at_a_time() ? std::min(job, std::max(0.0, blind()) + max_wait_) : job;
}

// Seconds of an outlook count from its sample, `age` seconds ago: what waits is known for then, not for now.
Outlook ObjectivePolicy::outlook(const Situation& in) const {
  const Time sampled = std::min(in.latest.queue_at.value_or(in.now), in.now);
  const double age = to_seconds(in.now - sampled);
  Outlook o;
  o.capacity = planned_rate_;
  o.warm_up = warm_up_;
  o.spread = capacity_.spread();
  o.ready = in.replicas.current - warm_up_.missing(startup_.young(), in.now);
  add_starting(in, age, o);
  o.ready = std::max(0.0, o.ready);
  o.start_up = startup_.remaining(0, std::nullopt);
  for (double& delay : o.start_up) delay += age;
  arrivals_.waiting(static_cast<double>(in.latest.queue.num_pending), sampled, o.waiting);
  // What workers hold and have not begun. Messages that come again after a pause look the same: they are none, and neither is
  // more than a max_wait's work believed.
  const double again = static_cast<double>(in.latest.queue.num_redelivered.value_or(0));
  const double held = static_cast<double>(in.latest.queue.in_hand()) - again - Hand::kOneAtATime * working_;
  o.in_hand = std::clamp(held, 0.0, planned_rate_ * working_ * max_wait_);
  // Who has nothing while messages wait is no help: he stands, or does not look.
  if (in.latest.queue.num_ack_pending && in.latest.queue.num_pending == 0)
    o.idle = std::max(0.0, o.ready - static_cast<double>(in.latest.queue.in_hand()));
  o.stop = to_seconds(in.latest.rebalances.length);
  o.patience = patience(kDeviationsKept);
  o.mercy = kMercy * std::max(max_wait_, startup_.mean());
  // What comes later than this can still be helped by a later order; what comes sooner must not be put off
  // again and again.
  look_ahead(in, kLookAhead + age + std::max(0.0, startup_.mean() + check_ + o.mercy - o.patience), o);
  return o;
}

// What comes within so many seconds: the present level, or what the rhythm says.
void ObjectivePolicy::look_ahead(const Situation& in, double horizon, Outlook& o) const {
  o.coming.clear();
  const bool rhythm = follows_rhythm();
  const int steps =
      rhythm ? std::clamp(static_cast<int>(horizon / rhythm_.width()), kSteps, 2 * kRhythmSteps) : kSteps;
  const double step = horizon / steps;
  const Time sampled = std::min(in.latest.queue_at.value_or(in.now), in.now);
  double count = 0;
  for (int i = 1; i <= steps; ++i) {
    const double rate = rhythm ? rhythm_.rate(sampled, (i - 0.5) * step) : arrivals_.firm_level();
    count += rate * step;
    o.coming.push_back({i * step, count});
  }
}

// By Lindley's equation, what comes from s to u is begun in time by those that can begin it within u - s and
// what a message may wait: the most of that, over all s that an order of now is for, or must not be undone
// before.
double ObjectivePolicy::rhythm_rate(Time now) const {
  const double wait = patience(0);  // the start-up's deviation is in the reach
  const double reach = startup_.mean() + startup_.deviation() + reaction_.seconds();
  const double length = kWaitsAhead * max_wait_;
  const double step = std::max({rhythm_.width(), reach / kRhythmSteps, length / kRhythmSteps});
  double came[2 * kRhythmSteps + 3] = {0};
  const int starts = static_cast<int>(std::ceil(reach / step)),
            ends = static_cast<int>(std::ceil(length / step));
  for (int i = 1; i <= starts + ends; ++i) came[i] = came[i - 1] + step * rhythm_.rate(now, (i - 0.5) * step);
  double most = 0;
  for (int s = 0; s <= starts; ++s) {
    for (int u = s + 1; u <= s + ends; ++u)
      most = std::max(most, (came[u] - came[s]) / ((u - s) * step + wait));
  }
  return most;
}

// What replicas that are ordered now will have to carry, where they start too late for what they are seen to
// be needed for. A trend only ever adds.
ObjectivePolicy::Expected ObjectivePolicy::expected(Time now) const {
  const double level = arrivals_.level(), share = (1 - quantile_) / 2;
  if (blind() <= 0) return {level};
  // What stands by costs all the time; it is held against what is paid without it.
  const double most = max_headroom_ * std::max(surprise_.mean_level(), min_replicas_ * planned_rate_) /
                      (planned_rate_ * seconds_of_a_hand());
  const auto above = [&](double rate, const Surprise& surprise) {
    const double wanted = surprise.headroom(lateness_.allowed(share));
    const double headroom = std::min(wanted, most);
    return Expected{rate, headroom, wanted - headroom, surprise.beyond(headroom) * lateness_.chance(share)};
  };
  if (follows_rhythm()) return above(rhythm_rate(now), rhythm_surprise_);
  const Expected as_now = above(level, surprise_);
  if (!follows_trend()) return as_now;
  const Expected grown = above(std::max(level, trend_.rate(blind())), trend_surprise_);
  return grown.rate + grown.headroom > as_now.rate + as_now.headroom ? grown : as_now;
}

void ObjectivePolicy::add_starting(const Situation& in, double age, Outlook& o) const {
  const auto cohort = [&](int n, std::array<double, 3> delays) {
    for (double& delay : delays) delay += age;
    o.starting.push_back({n, delays});
    o.ready -= n;
  };
  // Since the sample some may have been ordered, and others been stopped: the newest first.
  const int more = in.replicas.current - (last_ ? last_->replicas.current : 0);
  const auto& list = startup_.coming();
  const std::size_t left = list.size() - std::min(list.size(), static_cast<std::size_t>(std::max(0, -more)));
  for (std::size_t i = 0; i < left;) {
    std::size_t j = i;
    while (j < left && list[j].ordered == list[i].ordered && list[j].ready == list[i].ready) ++j;
    std::optional<double> ready_for;
    if (list[i].ready) ready_for = to_seconds(in.now - *list[i].ready);
    cohort(static_cast<int>(j - i), startup_.remaining(to_seconds(in.now - list[i].ordered), ready_for));
    i = j;
  }
  if (more > 0) {
    const Time ordered = startup_.ordered_at().value_or(in.now);
    cohort(more, startup_.remaining(to_seconds(in.now - ordered), std::nullopt));
  }
}

std::pair<double, double> ObjectivePolicy::load_while_it_grew() const {
  const auto [came, error] = arrivals_.rate_since(too_few_.grows_since());
  const double level = arrivals_.firm_level(), level_error = arrivals_.error();
  const double variance = error * error, level_variance = level_error * level_error;
  const bool same = std::fabs(came - level) <= kSameErrors * std::hypot(error, level_error);
  if (!same || !(variance + level_variance > 0)) return {came, error};
  return {(came * level_variance + level * variance) / (variance + level_variance),
          std::sqrt(variance * level_variance / (variance + level_variance))};
}

}  // namespace docktor
