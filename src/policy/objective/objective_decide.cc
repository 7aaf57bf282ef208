// From what is known to a number of replicas: the fewest that keep the goal, the most that are of use, and which of them it is.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/guess.h"
#include "policy/objective/objective.h"
#include "policy/objective/reasons.h"

namespace docktor {

using namespace objective;

namespace {

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

// Starts (or checks, where those take longer) for which a replica must have been idle before it is given back whatever the
// level seems to need; and the seconds that a start costs at least, in trouble if not in time.
constexpr double kIdleStarts = 3;
constexpr double kLeastStart = 10;

// Seconds after a gap in the samples in which nothing is given back, at most.
constexpr double kGapHold = 10;

// Where nothing else tells what helps, a quarter more is tried at a time.
constexpr int kTried = 4;

// Of max_wait: so long without a message, and the last replica may go.
constexpr double kSilence = 2;

// Of what was taken within some jobs' time, so many times as much may be in hand: uneven jobs, an unsteady load.
constexpr double kTakenBelieved = 3;

// While no message is finished, at most so many times the replicas are wanted at once.
constexpr int kMostUnknown = 4;

// Where the queue counts nothing: of max_wait, the wait of the oldest message after which more are tried; and the standard
// deviation of the logarithm of a job's time from which on that time is unknown: then replicas are added in steps.
constexpr double kTriedOfUncounted = 0.25, kUnknown = 0.7;

// Of a replica: less than that is not ordered.
constexpr double kLacking = 0.05;

// Whatever absurd numbers a sample holds, no count of replicas leaves what an int holds.
int replicas(double n) { return static_cast<int>(std::ceil(std::clamp(n, 0.0, 1e6))); }

// What is waited for: where nothing is to be done, nothing will be finished.
std::string nothing_known_yet(const Situation& in, bool capacity_known) {
  if (in.latest.queue.num_pending == 0 && in.latest.queue.in_hand() == 0) {
    return in.replicas.current == 0
               ? "no message waiting: the first one starts a replica"
               : "no message waiting: what a replica does is learned from the first ones";
  }
  return capacity_known ? "learning: how many messages come is not known yet"
                        : "learning: too few messages are finished yet to tell what a replica does";
}

// What flows is a guess, from gauges alone.
bool is_inferred(bool counts, const NetFlow& flow) { return !counts && flow.in_hand_for() > 0; }

}  // namespace

bool ObjectivePolicy::stands_still(const Situation& in) const {
  const double late = (counts_ ? 1 : kTriedOfUncounted) * max_wait_;
  return newest_ && newest_->before.oldest > late && newest_->after.oldest >= newest_->before.oldest &&
         startup_.coming().empty() && in.replicas.current == newest_->before.replicas.current &&
         in.latest.queue.in_hand() >= static_cast<std::uint64_t>(in.replicas.current);
}

// Nothing waits, is in hand or came for a while: where a new replica is in time for the first message none is needed, whatever
// the level still says.
bool ObjectivePolicy::quiet(const Situation& in) const {
  return min_replicas_ == 0 && in.latest.queue.num_pending == 0 && in.latest.queue.in_hand() == 0 &&
         arrivals_.quiet_for(in.now) >= kSilence * max_wait_;
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
    r.reason =
        fmt::format("{:.0f} messages waiting (oldest {}, goal {}), and jobs take at least {}: adding {}",
                    pending, about(is_inferred(counts_, net_flow_), seconds_text(oldest)),
                    seconds_text(max_wait_), seconds_text(unfinished_), short_of);
  } else if (pending > std::max(0.0, falling_ * max_wait_) && oldest > max_wait_ / 2 &&
             in.replicas.ready == current && last_->replicas.current == current &&
             (!doubled_at_ || current <= doubled_from_ ||
              to_seconds(in.now - *doubled_at_) >= std::max(max_wait_ / 4, startup_.mean()))) {
    // Nobody has finished a message yet and time runs out: double, and look again later. What waits and goes in time as it
    // falls needs nobody.
    doubled_at_ = in.now;
    doubled_from_ = current;
    r.wanted = 2 * std::max(1, current);
    r.reason = fmt::format(
        "{:.0f} messages waiting (oldest {}, goal {}) and too few finished yet to tell what a replica does: "
        "doubling the replicas",
        pending, about(is_inferred(counts_, net_flow_), seconds_text(oldest)), seconds_text(max_wait_));
  } else if (current > min_replicas_ && pending == 0 && in.latest.queue.in_hand() == 0 &&
             arrivals_.quiet_for(in.now) >= max_wait_) {
    // A queue of a message now and then never teaches the capacity: it must come back to its minimum all the
    // same.
    r.wanted = min_replicas_;
    r.reason = fmt::format("no message waiting, and none has come for {}",
                           seconds_text(arrivals_.quiet_for(in.now)));
  } else {
    r.reason = nothing_known_yet(in, capacity_.known());
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
  Wants w;
  w.plan = outlook(in);
  w.pending = static_cast<double>(in.latest.queue.num_pending);
  w.oldest = w.plan.waiting.empty() ? 0 : w.plan.waiting.front().oldest;
  w.soon = expected(in.now);
  headroom_ = w.soon.headroom;
  w.free = w.soon.headroom * seconds_of_a_hand();
  find_least(in, w);
  find_most(in, w);
  return chosen(in, w);
}

// The fewest that meet all deadlines, and the headroom against what would come too fast.
void ObjectivePolicy::find_least(const Situation& in, Wants& w) const {
  const int current = in.replicas.current;
  w.lacking = replicas_short(w.plan);
  const bool long_jobs = seconds_of_a_hand() < 1 / planned_rate_;
  const double held = std::min<double>(in.latest.queue.in_hand(), kTakenBelieved * taken_);
  const double stands_by = std::max(w.soon.rate / planned_rate_, long_jobs ? held : 0) + w.free;
  w.floor = w.soon.headroom > 0 || follows_trend() ? replicas(stands_by) : 0;
  w.least = std::max(current + replicas(w.lacking - kLacking), w.floor);
  if (current == 0 && w.pending > 0) w.least = std::max(w.least, 1);
  if (current == 0 && quiet(in) && blind() <= 0)
    w.least = 0;  // else silence, which stopped the last one, would start it again
  // Whatever is believed: where the oldest grows later, every replica has work and none is starting, more are tried.
  if (stands_still(in)) w.least = std::max(w.least, current + std::max(1, current / kTried));
  // While little is known of how long a job takes, a step teaches more than it costs to wait for it.
  if (!counts_ && net_flow_.error() > kUnknown)
    w.least = std::min(w.least, kMostUnknown * std::max(1, current));
}

// What a constant load of this level needs (heavy traffic: the backlog's tail is exp(-2 slack x / variance)).
double ObjectivePolicy::needed_in_the_long_run(const Wants& w, double load_error) const {
  const double mu = planned_rate_, load = arrivals_.level() / mu;
  const double per_log =
      (arrivals_.dispersion() + std::max(kLeastWorkSpread, capacity_.spread())) / (2 * w.plan.patience);
  const double slack = std::min(kSlackWanted * per_log, std::max(kSlackLeast * per_log, kSlackReplicas * mu));
  // Where jobs are long, free hands are what counts: as many as the load varies by (square-root staffing).
  const double spare = std::min(slack / mu, kFreeHands * std::sqrt(arrivals_.dispersion() * load + 1));
  return arrivals_.firm_level() / mu + spare + kDownErrors * load_error;
}

// What that, the backlog until the next decision and the deadlines need, and what is known to be enough.
void ObjectivePolicy::find_most(const Situation& in, Wants& w) {
  const int current = in.replicas.current;
  const double mu = planned_rate_, level = arrivals_.level();
  const double load_error = std::hypot(arrivals_.error() / mu, level / mu * capacity_.confidence());
  // Forecasts differ by a fraction of a replica from one second to the next; that is no reason to stop one.
  const bool forecast = follows_rhythm() || follows_trend();
  w.steady = std::max(replicas(needed_in_the_long_run(w, load_error)), forecast ? w.floor + 1 : w.floor);
  // What waits, less what no worker can have seen yet.
  const double seen = std::max(0.0, w.pending - level * hand_.delay());
  w.busy = replicas((seen + level * check_) / (mu * check_));
  Outlook ahead = w.plan;
  look_ahead(in, 2 * max_wait_ + w.plan.coming.back().until, ahead);
  int starting = 0;
  for (const Cohort& c : w.plan.starting) starting += c.replicas;
  w.enough = replicas(replicas_enough(ahead)) + starting;
  const double start = std::max({startup_.mean(), check_, kLeastStart});
  w.proven = too_few_.least(in.now, arrivals_.firm_level() / mu, load_error, in_use_, start);
  const int in_use = replicas(in_use_.most(in.now, kIdleStarts * start));
  int floor = w.floor;
  // The level moves by a fraction of a replica, up and down; and so do the hands that are busy.
  if (w.soon.headroom > 0 && seconds_of_a_hand() < 1 / mu)
    floor = std::max(floor, std::min(current, replicas(in_use_.most(in.now, start) + w.free)));
  if (w.soon.headroom > 0 && current > floor && current <= floor + (floor + kBand / 2) / kBand)
    floor = current;
  w.most = std::max({floor, w.busy, w.enough, w.proven, std::min(w.steady, in_use), at_long_jobs(in)});
  if (w.most == 1 && quiet(in) && blind() <= 0) w.most = 0;  // the slack never lets the last one go

  // Nothing is given back while messages wait too long, nor on what came while nobody looked.
  const bool late = w.oldest > max_wait_ && w.pending > 0;
  const bool after_gap =
      gap_at_ && to_seconds(in.now - *gap_at_) < std::max(longest_gap_, std::min(max_wait_, kGapHold));
  if (late || after_gap) w.most = std::max(w.most, current);
}

Recommendation ObjectivePolicy::chosen(const Situation& in, const Wants& w) {
  const int current = in.replicas.current;
  const double mu = planned_rate_;
  Recommendation r;
  r.numbers = numbers(w, in.now);
  const auto known = [&](std::string_view name) {
    const auto it = std::ranges::find_if(r.numbers, [&](const auto& n) { return n.first == name; });
    return it == r.numbers.end() ? std::nullopt : std::optional(it->second);
  };
  const Told told{w.pending,
                  w.oldest,
                  max_wait_,
                  arrivals_.level(),
                  mu,
                  startup_.mean(),
                  is_guess("rate_in", known),
                  is_guess("capacity", known)};
  r.wanted = current;
  const std::optional<int> limit = bottleneck_.most();
  const int least = in.min_replicas.value_or(min_replicas_);
  if (limit && w.least >= *limit && *limit != current) {
    r.wanted = std::max(*limit, std::min(least, current));
    if (r.wanted > current) startup_.ordered(in.now);
    r.reason = bottleneck_.reason() + (r.wanted > current ? fmt::format("; trying {} replicas", r.wanted)
                                                          : fmt::format("; {} are enough for it", r.wanted));
  } else if (limit && w.least > current) {
    r.reason = bottleneck_.reason();
  } else if (w.least > current) {
    r.wanted = w.least;
    startup_.ordered(in.now);
    if (w.lacking > kLacking && capacity_.learned() &&
        !follows_rhythm()) {  // else they may be ordered for what is still to come
      const auto [came, error] = load_while_it_grew();
      too_few_.note(in.now, came / mu, std::hypot(error / mu, came / mu * capacity_.confidence()));
    }
    r.reason = adding(told, r.wanted - current);
  } else if (w.most < current) {
    r.wanted = std::max(w.most, least);
    r.reason = objective::enough(told, r.wanted);
  } else {
    r.reason = objective::enough(told, current);
    if (current == 1 && quiet(in) && blind() > 0)  // without a word it would look forgotten
      r.reason += fmt::format("; it stays: without it a message would wait about {}, and the goal is {}",
                              seconds_text(startup_.mean() + reaction_.seconds()), seconds_text(max_wait_));
  }
  return r;
}

std::vector<std::pair<std::string, double>> ObjectivePolicy::numbers(const Wants& w, Time now) const {
  const double mu = planned_rate_, level = arrivals_.level();
  // Both rest on the time that a message is in hand then: the plan does not mind, whoever reads the numbers does.
  const bool inferred = is_inferred(counts_, net_flow_);
  std::vector<std::pair<std::string, double>> out = {
      {"rate_in", level},
      {"rate_in_error",
       inferred ? std::hypot(arrivals_.error(), level * net_flow_.error()) : arrivals_.error()},
      {"dispersion", arrivals_.dispersion()},
      {"capacity", mu},
      {"capacity_error",
       mu * (inferred ? std::max(capacity_.confidence(), net_flow_.error()) : capacity_.confidence())},
      {"start_up", startup_.mean()},
      {"start_up_deviation", startup_.deviation()},
      {"hand", hand_.messages()},
      {"seen_after", hand_.delay()},
      {"spread", capacity_.spread()},
      {"young", warm_up_.missing(startup_.young(), now)},
      {"reaction", reaction_.seconds()},
      {"rhythm", follows_rhythm() ? rhythm_.period() : 0.0},
      {"trend", follows_trend() ? trend_.rate(blind()) - level : 0.0},
      {"oldest_wait", w.oldest},
      {"patience", w.plan.patience},
      {"lacking", w.lacking},
      {"steady", w.steady},
      {"busy", w.busy},
      {"enough", w.enough},
      {"proven", w.proven},
      {"headroom", w.free}};
  if (w.soon.refused > 0) {
    out.emplace_back("headroom_short", w.soon.refused * seconds_of_a_hand());
    out.emplace_back("kept", 100 * (1 - w.soon.late));
  }
  if (const auto limit = bottleneck_.most()) out.emplace_back("bottleneck", *limit);
  if (w.plan.stop > 0) out.emplace_back("rebalance", w.plan.stop);
  if (inferred) {
    out.emplace_back("in_hand_for", net_flow_.in_hand_for());
    out.emplace_back("in_hand_error", net_flow_.error());
  }
  return out;
}

}  // namespace docktor
