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

// Slack of the steady state, as ln(1/ε) for the chance ε that the backlog of a constant load uses up its
// patience: enough for less than one excursion in some hours, as far as a quarter of a replica pays for it;
// for clumps, which would need more, what keeps the excursions from being the rule.
constexpr double kSlackWanted = 7;
constexpr double kSlackLeast = 1.5;
constexpr double kSlackReplicas = 0.25;
constexpr double kFreeHands = 2;  // standard deviations of the load
constexpr double kLeastWorkSpread =
    0.5;  // of the work for a message, as its variance over the square of its mean

// Of the replicas that headroom asks for, a tenth more is not given back: its level moves all the time.
constexpr int kBand = 10;

// Standard errors of the load that a scale-down allows for.
constexpr double kDownErrors = 1;

// Standard errors within which what came while a backlog grew is no change of the level, but chance: it is
// the more for having been picked out by the backlog, and the level tells better what was too much.
constexpr double kSameErrors = 3;

// Of a replica: less than that is not ordered.
constexpr double kLacking = 0.05;

// Starts (or checks, where those take longer) for which a replica must have been idle before it is given back whatever the
// level seems to need; and the seconds that a start costs at least, in trouble if not in time.
constexpr double kIdleStarts = 3;
constexpr double kLeastStart = 10;

// Of max_wait: so long without a message, and the last replica may go.
constexpr double kSilence = 2;

// Seconds after a gap in the samples in which nothing is given back, at most.
constexpr double kGapHold = 10;

// Of what was taken within some jobs' time, so many times as much may be in hand: uneven jobs, an unsteady load.
constexpr double kTakenBelieved = 3;

// While no message is finished, at most so many times the replicas are wanted at once.
constexpr int kMostUnknown = 4;

// Where nothing else tells what helps, a quarter more is tried at a time.
constexpr int kTried = 4;

// Where the queue counts nothing and a job's time may be learned too short. Shares of max_wait: what the plan is for while
// that time is hardly known and when it is known well, and the wait of the oldest message after which more are tried.
constexpr double kShareOfUncounted = 0.6, kShareOfKnown = 0.9;
constexpr double kTriedOfUncounted = 0.25;

// Standard deviations of the logarithm of that time: from the first on it counts as hardly known, from the second on as
// unknown: then replicas are added in steps.
constexpr double kHardlyKnown = 0.4, kUnknown = 0.7;

// Whatever absurd numbers a sample holds, no count of replicas leaves what an int holds.
int replicas(double n) { return static_cast<int>(std::ceil(std::clamp(n, 0.0, 1e6))); }

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
  o.in_hand = held_back(in.latest);
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

// What workers hold and have not begun. Messages that come again after a pause look the same: they are none,
// and neither is more than a max_wait's work believed.
double ObjectivePolicy::held_back(const Observation& latest) const {
  const double again = static_cast<double>(latest.queue.num_redelivered.value_or(0));
  const double held = static_cast<double>(latest.queue.in_hand()) - again - Hand::kOneAtATime * working_;
  return std::clamp(held, 0.0, planned_rate_ * working_ * max_wait_);
}

// What waits, less what no worker can have seen yet.
double ObjectivePolicy::seen_backlog(const Observation& latest) const {
  return std::max(0.0, static_cast<double>(latest.queue.num_pending) - arrivals_.level() * hand_.delay());
}

bool ObjectivePolicy::stands_still(const Situation& in) const {
  const double late = (counts_ ? 1 : kTriedOfUncounted) * max_wait_;
  return newest_ && newest_->before.oldest > late && newest_->after.oldest >= newest_->before.oldest &&
         startup_.coming().empty() && in.replicas.current == newest_->before.replicas.current &&
         in.latest.queue.in_hand() >= static_cast<std::uint64_t>(in.replicas.current);
}

double ObjectivePolicy::quiet_for(Time now) const {
  const auto& slots = arrivals_.slots();
  if (slots.empty()) return 0;
  const auto last = std::find_if(slots.rbegin(), slots.rend(), [](const Slot& s) { return s.count > 0; });
  const Time since = last == slots.rend() ? slots.front().end - slots.front().length : last->end;
  return to_seconds(now - since);
}

// Nothing waits, is in hand or came for a while, and a new replica is in time for the first message: whatever the level still
// says, none is needed.
bool ObjectivePolicy::rests(const Situation& in) const {
  return min_replicas_ == 0 && blind() <= 0 && in.latest.queue.num_pending == 0 &&
         in.latest.queue.in_hand() == 0 && quiet_for(in.now) >= kSilence * max_wait_;
}

// Replicas that have a job of more than a check interval: who has one finishes it, and goes when he is idle. Messages
// that nobody took lately are in no hand that works (a consumer died, and nobody claims them): they keep nobody.
int ObjectivePolicy::at_long_jobs(const Situation& in) const {
  if (planned_rate_ * check_ >= 1 || !hand_.one_at_a_time()) return 0;
  const double held = std::min(static_cast<double>(in.latest.queue.in_hand()), kTakenBelieved * taken_);
  return std::min(in.replicas.current, replicas(held));
}

// Work for so many replica-seconds, and nothing finished: a replica does no more than one message in that time, as far as
// anybody can know.
int ObjectivePolicy::short_if_first_jobs_are_typical(const Situation& in) {
  const int current = in.replicas.current;
  if (unfinished_ <= 0 || current == 0 || !arrivals_.known()) return 0;
  planned_rate_ = 1 / unfinished_;
  const int lacking = replicas(replicas_short(outlook(in)) - kLacking);
  planned_rate_ = 0;
  return std::min({lacking, static_cast<int>(in.latest.queue.num_pending), (kMostUnknown - 1) * current});
}

Recommendation ObjectivePolicy::before_capacity_is_known(const Situation& in) {
  Recommendation r;
  const int current = in.replicas.current;
  const double pending = static_cast<double>(in.latest.queue.num_pending);
  r.wanted = current;
  std::vector<Waiting> waiting;
  arrivals_.waiting(pending, in.now, waiting);
  const double oldest = waiting.empty() ? 0 : waiting.front().oldest;
  r.numbers = {{"oldest_wait", oldest}};
  const int short_of = short_if_first_jobs_are_typical(in);
  if (current == 0 && pending > 0) {
    r.wanted = 1;
    r.reason = fmt::format("{:.0f} messages waiting and no replica", pending);
  } else if (short_of > 0) {
    r.wanted = current + short_of;
    r.reason = fmt::format(
        "{:.0f} messages waiting (oldest {}, goal {}), and jobs take at least {}: adding {}", pending,
        seconds_text(oldest), seconds_text(max_wait_), seconds_text(unfinished_), short_of);
  } else if (pending > 0 && oldest > max_wait_ / 2 && in.replicas.ready == current &&
             last_->replicas.current == current &&
             (!doubled_at_ ||
              to_seconds(in.now - *doubled_at_) >= std::max(max_wait_ / 4, startup_.mean()))) {
    // Nobody has finished a message yet and time runs out: double, and look again later.
    doubled_at_ = in.now;
    r.wanted = 2 * std::max(1, current);
    r.reason = fmt::format(
        "{:.0f} messages waiting (oldest {}, goal {}) and none finished yet, so the capacity of a replica is "
        "unknown: doubling the replicas",
        pending, seconds_text(oldest), seconds_text(max_wait_));
  } else if (current > min_replicas_ && pending == 0 && in.latest.queue.in_hand() == 0 &&
             quiet_for(in.now) >= max_wait_) {
    // A queue of a message now and then never teaches the capacity: it must come back to its minimum all the
    // same.
    r.wanted = min_replicas_;
    r.reason = fmt::format("no message waiting, and none has come for {}", seconds_text(quiet_for(in.now)));
  } else {
    r.reason = "learning: no message is finished yet";
  }
  if (r.wanted > current) startup_.ordered(in.now);
  return r;
}

Recommendation ObjectivePolicy::recommend(const Situation& in) {
  if (!in.latest.queue_at || !last_) {
    Recommendation r;
    r.wanted = in.replicas.current;
    r.no_data = true;
    r.reason = "no sample of the queue yet";
    return r;
  }
  reaction_.decided(in.now, *in.latest.queue_at);
  if (!capacity_.known() || !arrivals_.known()) return before_capacity_is_known(in);

  const int current = in.replicas.current;
  const double pending = static_cast<double>(in.latest.queue.num_pending);
  const double mu = planned_rate_;
  const double level = arrivals_.level();
  const double load = level / mu;
  Outlook o = outlook(in);
  const double oldest = o.waiting.empty() ? 0 : o.waiting.front().oldest;

  // Up: the fewest that meet all deadlines, and the headroom against what would come too fast.
  const double lacking = replicas_short(o);
  const Expected soon = expected(in.now);
  headroom_ = soon.headroom;
  const double free = soon.headroom * seconds_of_a_hand();
  const bool long_jobs = seconds_of_a_hand() < 1 / mu;
  const double held = std::min<double>(in.latest.queue.in_hand(), kTakenBelieved * taken_);
  const double stands_by = std::max(soon.rate / mu, long_jobs ? held : 0) + free;
  int floor = soon.headroom > 0 || follows_trend() ? replicas(stands_by) : 0;
  int low = std::max(current + replicas(lacking - kLacking), floor);
  if (current == 0 && pending > 0) low = std::max(low, 1);
  if (current == 0 && rests(in)) low = 0;  // else silence, which stopped the last one, would start it again
  // Whatever is believed: where the oldest grows later, every replica has work and none is starting, more are tried.
  if (stands_still(in)) low = std::max(low, current + std::max(1, current / kTried));

  // While little is known of how long a job takes, a step teaches more than it costs to wait for it.
  if (!counts_ && net_flow_.error() > kUnknown) low = std::min(low, kMostUnknown * std::max(1, current));

  // Down: what a constant load of this level needs (heavy traffic: the backlog's tail is exp(-2 slack x /
  // variance)), what the backlog keeps busy until the next decision, what the deadlines need, and what is
  // known to be enough.
  const double per_log =
      (arrivals_.dispersion() + std::max(kLeastWorkSpread, capacity_.spread())) / (2 * o.patience);
  const double slack = std::min(kSlackWanted * per_log, std::max(kSlackLeast * per_log, kSlackReplicas * mu));
  const double load_error = std::hypot(arrivals_.error() / mu, load * capacity_.confidence());
  // Where jobs are long, free hands are what counts: as many as the load varies by (square-root staffing).
  const double spare = std::min(slack / mu, kFreeHands * std::sqrt(arrivals_.dispersion() * load + 1));
  const double need = arrivals_.firm_level() / mu + spare + kDownErrors * load_error;
  // Forecasts differ by a fraction of a replica from one second to the next; that is no reason to stop one.
  const int steady = std::max(replicas(need), follows_rhythm() || follows_trend() ? floor + 1 : floor);
  const int busy = replicas((seen_backlog(in.latest) + level * check_) / (mu * check_));
  Outlook ahead = o;
  look_ahead(in, 2 * max_wait_ + o.coming.back().until, ahead);
  int starting = 0;
  for (const Cohort& c : o.starting) starting += c.replicas;
  const int enough = replicas(replicas_enough(ahead)) + starting;
  const double start = std::max({startup_.mean(), check_, kLeastStart});
  const int proven = too_few_.least(in.now, arrivals_.firm_level() / mu, load_error, in_use_, start);
  const int in_use = replicas(in_use_.most(in.now, kIdleStarts * start));
  // The level moves by a fraction of a replica, up and down; and so do the hands that are busy.
  if (soon.headroom > 0 && long_jobs)
    floor = std::max(floor, std::min(current, replicas(in_use_.most(in.now, start) + free)));
  if (soon.headroom > 0 && current > floor && current <= floor + (floor + kBand / 2) / kBand) floor = current;
  int high = std::max({floor, busy, enough, proven, std::min(steady, in_use)});
  high = std::max(high, at_long_jobs(in));
  if (high == 1 && rests(in)) high = 0;  // the slack never lets the last one go

  // Nothing is given back while messages wait too long, nor on what came while nobody looked.
  const bool late = oldest > max_wait_ && pending > 0;
  const bool after_gap =
      gap_at_ && to_seconds(in.now - *gap_at_) < std::max(longest_gap_, std::min(max_wait_, kGapHold));
  if (late || after_gap) high = std::max(high, current);

  const Told told{pending, oldest, max_wait_, level, mu, startup_.mean()};
  Recommendation r;
  r.wanted = current;
  const std::optional<int> most = bottleneck_.most();
  const int least = in.min_replicas.value_or(min_replicas_);
  if (most && low >= *most && *most != current) {
    r.wanted = std::max(*most, std::min(least, current));
    if (r.wanted > current) startup_.ordered(in.now);
    r.reason = bottleneck_.reason() + (r.wanted > current ? fmt::format("; trying {} replicas", r.wanted)
                                                          : fmt::format("; {} are enough for it", r.wanted));
  } else if (most && low > current) {
    r.reason = bottleneck_.reason();
  } else if (low > current) {
    r.wanted = low;
    startup_.ordered(in.now);
    if (lacking > kLacking && capacity_.learned() &&
        !follows_rhythm()) {  // else they may be ordered for what is still to come
      const auto [came, error] = load_while_it_grew();
      too_few_.note(in.now, came / mu, std::hypot(error / mu, came / mu * capacity_.confidence()));
    }
    r.reason = adding(told, r.wanted - current);
  } else if (high < current) {
    r.wanted = std::max(high, least);
    r.reason = objective::enough(told, r.wanted);
  } else {
    r.reason = objective::enough(told, current);
  }
  r.numbers = {{"rate_in", level},
               {"rate_in_error", arrivals_.error()},
               {"dispersion", arrivals_.dispersion()},
               {"capacity", mu},
               {"capacity_error", mu * capacity_.confidence()},
               {"start_up", startup_.mean()},
               {"start_up_deviation", startup_.deviation()},
               {"hand", hand_.messages()},
               {"seen_after", hand_.delay()},
               {"spread", capacity_.spread()},
               {"young", warm_up_.missing(startup_.young(), in.now)},
               {"reaction", reaction_.seconds()},
               {"rhythm", follows_rhythm() ? rhythm_.period() : 0.0},
               {"trend", follows_trend() ? trend_.rate(blind()) - level : 0.0},
               {"oldest_wait", oldest},
               {"patience", o.patience},
               {"lacking", lacking},
               {"steady", steady},
               {"busy", busy},
               {"enough", enough},
               {"proven", proven},
               {"headroom", free}};
  if (soon.refused > 0) {
    r.numbers.emplace_back("headroom_short", soon.refused * seconds_of_a_hand());
    r.numbers.emplace_back("kept", 100 * (1 - soon.late));
  }
  if (most) r.numbers.emplace_back("bottleneck", *most);
  if (o.stop > 0) r.numbers.emplace_back("rebalance", o.stop);
  if (!counts_ && net_flow_.in_hand_for() > 0) {
    r.numbers.emplace_back("in_hand_for", net_flow_.in_hand_for());
    r.numbers.emplace_back("in_hand_error", net_flow_.error());
  }
  return r;
}

}  // namespace docktor
