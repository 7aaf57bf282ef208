#include "core/limit_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/text.h"

namespace docktor {
namespace {

constexpr auto kMostStarting = std::chrono::minutes(5);  // what takes longer to start is not waited for

// One recommendation on its way.
struct Weighing {
  Weighing(const LimitRules& rules, LimitMemory& memory, Time now, const Situation& in,
           const Overrides& overrides, const Recommendation& recommendation, std::optional<int> alone);

  const LimitRules& rules;
  LimitMemory& memory;
  Time now;
  const Situation& in;
  const Overrides& overrides;
  const Recommendation& recommendation;
  std::optional<int> alone;  // replicas that there would be without advice

  int current, min, max;
  bool unfit;         // the queue would lose messages at zero
  std::string by;     // " (schedule ...)", where the bounds are the calendar's
  bool stale, again;  // the queue's sample is; it is the one of the evaluation before
  bool reset;
  std::string at_min_why;
  int target;
  Decision d;

  const QueueSample& queue() const { return in.latest.queue; }
  // Towards or away from bounds, and from zero with work: no step or pause holds that up.
  bool mending() const { return current < min || current > max || d.wake; }
  // At a bound nothing is waited for: it holds, whatever time would bring.
  bool may_fall() const { return target < current && current > min; }
  bool may_rise() const { return target > current && current < max; }

  void limit(std::string_view name, int to, std::string detail) {
    if (to == target) return;
    d.limits.push_back({std::string(name), target, to, std::move(detail)});
    target = to;
  }
};

Weighing::Weighing(const LimitRules& r, LimitMemory& m, Time at, const Situation& situation,
                   const Overrides& o, const Recommendation& wanted, std::optional<int> without_advice)
    : rules(r),
      memory(m),
      now(at),
      in(situation),
      overrides(o),
      recommendation(wanted),
      alone(without_advice),
      current(situation.replicas.current) {
  const auto bounds = o.bounds_over(r.spec);
  max = bounds.max;
  // A queue that would lose messages at zero replicas has one, data or no data: it may have no data until a
  // worker has made what is read.
  unfit = !o.unfit_for_zero.empty() && bounds.min < 1 && max > 0;
  min = unfit ? 1 : bounds.min;
  if (o.scheduled && !o.bounds) by = fmt::format(" ({})", o.scheduled->why);
  // The same sample twice is no news: rules would step again for what the first step was for.
  again = r.has_queue && in.latest.queue_at && m.judged == in.latest.queue_at;
  stale = r.has_queue && (in.latest.queue_stale || again);
  reset = r.has_queue && in.latest.reset;
  target = wanted.no_data ? current : std::max(0, wanted.wanted);
  d.at = now;
  d.service = r.service;
  d.current = current;
  d.observation = in.window;
  d.reason = wanted.reason;
}

// Of several queues, those that began anew; where none did, some were paused or go on.
std::string reset_text(const Observation& latest) {
  std::string whose = latest.parts.empty() ? "the queue's" : "";
  for (const auto& part : latest.parts) {
    if (part.seen.reset) whose += fmt::format("{}{}'s", whose.empty() ? "" : ", ", part.name);
  }
  if (whose.empty()) return "other queues are paused than before: waiting for a new sample";
  return fmt::format(
      "{} counters went back or messages vanished (re-created, purged or restarted): waiting for a new "
      "sample",
      whose);
}

// ---- The steps. True: what follows does not count. ----

bool leave_alone(Weighing& w) {
  const auto& o = w.overrides;
  for (const auto& [name, why] : {std::pair{"stopped_by_hand", &o.stopped_by_hand},
                                  {"problem", &o.problem},
                                  {"target_hold", &o.target_hold}}) {
    if (why->empty()) continue;
    w.limit(name, w.current, *why);
    w.d.reason = *why;
    return true;
  }
  w.memory.judged = w.in.latest.queue_at;
  return false;
}

bool mend_bounds(Weighing& w) {
  const char* are = w.current == 1 ? "replica is" : "replicas are";
  if (w.current < w.min && w.target < w.min) {
    // min needs no data; what the policy wants beyond it still counts.
    if (w.unfit) {
      w.limit("unfit_for_zero", w.min, w.overrides.unfit_for_zero);
      w.d.reason = w.overrides.unfit_for_zero;
    } else {
      w.limit("min_replicas", w.min, fmt::format("min_replicas {}{}", w.min, w.by));
      w.d.reason = fmt::format("{} {} below min_replicas {}{}", w.current, are, w.min, w.by);
    }
  }
  if (w.current <= w.max) return false;
  const bool blind = w.stale || w.reset;
  const int to = blind || w.recommendation.no_data ? w.current - 1 : w.max;
  if (w.target <= to && !blind) return false;
  w.limit("max_replicas", to, fmt::format("max_replicas {}{}", w.max, w.by));
  w.d.reason = fmt::format("{} {} above max_replicas {}{}", w.current, are, w.max, w.by);
  return true;
}

bool held_by_a_person(Weighing& w) {
  const auto& o = w.overrides;
  if (o.held.empty()) return false;
  w.limit("held", std::clamp(o.replicas.value_or(w.current), std::min(w.min, w.max), w.max), o.held);
  w.d.reason = o.held;
  return true;
}

// Of several queues one is silent, so that nothing is known of all together; but there is work.
bool some_queue_has_work(Weighing& w) {
  const auto& waits = w.overrides.part_waits;
  if (w.current > 0 || w.max == 0 || waits.empty()) return false;
  if (w.target < 1) w.limit("work_left", 1, waits);
  if (w.target > 1) w.limit("freshness", std::max(1, w.min), waits);
  w.d.wake = true;
  w.d.reason = fmt::format("at zero replicas, and {}", waits);
  if (w.overrides.approval) w.d.needs_approval = true;
  return true;
}

bool freshness(Weighing& w) {
  if (!w.stale && !w.reset) return false;
  const auto& latest = w.in.latest;
  const std::string why =
      w.reset                          ? reset_text(latest)
      : w.again && !latest.queue_stale ? std::string("no new sample of the queue since the last decision")
      : latest.queue_at
          ? fmt::format("the queue's last sample is {} old (stale after {})",
                        short_duration(w.now - *latest.queue_at), short_duration(w.rules.stale_after))
          : std::string("no sample of the queue yet");
  w.limit(w.reset ? "reset" : "freshness", std::max(w.current, w.min), why);
  if (w.current >= w.min) w.d.reason = why;
  return true;
}

bool paused(Weighing& w) {
  if (!w.rules.has_queue || w.queue().paused.empty()) return false;
  w.limit("paused", std::max(w.current, w.min), w.queue().paused);
  if (w.current >= w.min) w.d.reason = w.queue().paused;
  return true;
}

// Pending messages, or messages that a worker died with and that outlived the ack wait.
bool work_is_left(Weighing& w) {
  const QueueSample& q = w.queue();
  auto& m = w.memory;
  if (w.current > 0 || q.in_hand() == 0)
    m.in_hand_since.reset();
  else if (!m.in_hand_since)
    m.in_hand_since = w.now;
  // A queue that does not tell what is in hand: something may be until it was empty for so long.
  if (q.num_pending > 0 || q.num_ack_pending || q.in_hand() > 0)
    m.empty_since.reset();
  else if (!m.empty_since)
    m.empty_since = w.now;
  const bool maybe = w.current > 0 && m.empty_since && w.now - *m.empty_since < q.redelivered_after;
  return q.num_pending > 0 || (w.current > 0 && q.in_hand() > 0) || maybe ||
         (m.in_hand_since && w.now - *m.in_hand_since >= q.redelivered_after);
}

bool work_keeps_one(Weighing& w) {
  if (!w.rules.has_queue || !w.in.latest.queue_at) return false;
  if (!work_is_left(w) || w.target >= 1) return false;
  const QueueSample& q = w.queue();
  const std::uint64_t n = q.num_pending > 0 ? q.num_pending : q.in_hand();
  const std::string why =
      n == 0 ? fmt::format(
                   "messages may be being processed, which this queue does not tell: waiting until it "
                   "was empty for {}",
                   short_duration(q.redelivered_after))
             : fmt::format("{} message{} {}", n, n == 1 ? "" : "s",
                           q.num_pending > 0 ? "waiting" : "being processed");
  if (w.min > 0) {
    // The bound holds it, and would without the message, too; where none is known of nothing is waited for.
    if (n > 0) w.at_min_why = fmt::format(" ({})", why);
  } else {
    w.limit("work_left", 1, why);
  }
  if (w.current == 0) {
    w.d.wake = true;
    w.d.reason = fmt::format("at zero replicas with {}", why);
  }
  return false;
}

bool not_seen_for_a_while(Weighing& w) {
  if (!w.rules.has_queue || w.current > w.max) return false;
  if (w.in.latest.gap && w.may_fall())
    w.limit("gap", w.current,
            fmt::format("the queue was not seen for a while: no scale-down before a whole window of {}",
                        short_duration(w.rules.window)));
  // The newest sample is not old yet, but whoever was asked since did not answer.
  if (!w.overrides.queue_silent.empty() && w.may_fall())
    w.limit("freshness", w.current, w.overrides.queue_silent);
  return false;
}

// What the last step brought is not seen yet: rules would step on for the same reason until all are up.
bool some_are_starting(Weighing& w) {
  const int starting = w.current - w.in.replicas.ready - w.in.replicas.failing;
  const auto& up = w.memory.stepped_up;
  if (w.rules.rules_alone && w.may_rise() && w.current >= w.min && starting > 0 && up &&
      w.now - *up < kMostStarting)
    w.limit("starting", w.current,
            fmt::format("{} of {} replicas are starting: the next step waits for them", starting, w.current));
  return false;
}

bool more_would_not_help(Weighing& w) {
  if (w.target > w.current && w.in.replicas.failing > 0)
    w.limit("failing", std::max(w.current, w.min),
            fmt::format(
                "{} of {} replicas keep failing (they exit, or their health check fails): fix the worker; "
                "adding replicas would not help",
                w.in.replicas.failing, w.current));
  if (w.target > w.current && !w.overrides.not_placed.empty())
    w.limit("not_placed", std::max(w.current, w.min), w.overrides.not_placed);
  if (const auto& useful = w.queue().useful; useful && w.rules.has_queue && w.in.latest.queue_at) {
    const int most = std::max(useful->most, w.min);
    if (w.target > most)
      w.limit("useful_replicas", most,
              fmt::format("more than {} replicas are of no use: {}", most, useful->why));
  }
  return false;
}

bool steps(Weighing& w) {
  if (!w.rules.steps_bind || w.mending()) return false;
  const int up = w.rules.spec.scale_up_by, down = w.rules.spec.scale_down_by;
  if (w.target > w.current + up) w.limit("scale_up_by", w.current + up, fmt::format("scale_up_by {}", up));
  if (w.target < w.current - down)
    w.limit("scale_down_by", w.current - down, fmt::format("scale_down_by {}", down));
  return false;
}

bool stabilization(Weighing& w) {
  const Duration length = w.rules.spec.stabilization;
  if (length <= Duration::zero()) return false;
  auto& recommended = w.memory.recommended;
  recommended.emplace_back(w.now, w.target);
  while (recommended.front().first <= w.now - length) recommended.pop_front();
  if (w.may_fall()) {
    const auto highest = std::ranges::max_element(recommended, {}, &std::pair<Time, int>::second)->second;
    w.limit("stabilization", std::min(w.current, std::max(w.target, highest)),
            fmt::format("stabilization: {} wanted within the last {}", highest, short_duration(length)));
  }
  return false;
}

bool cooldown(Weighing& w) {
  if (!w.memory.last_change || w.mending()) return false;
  const bool up = w.may_rise();
  if (!up && !w.may_fall()) return false;
  const Duration length = up ? w.rules.spec.cooldown_up : w.rules.spec.cooldown_down;
  const Duration since = w.now - *w.memory.last_change;
  const char* name = up ? "cooldown_up" : "cooldown_down";
  if (since < length)
    w.limit(name, w.current, fmt::format("{}: {} to go", name, short_duration(length - since)));
  return false;
}

// Of queues whose consumers stand still after each change. More replicas wait until the last change's rebalance was seen to
// be over, or for as long as one is believed to last: what is seen counts for more.
bool rebalance(Weighing& w) {
  const auto& r = w.in.latest.rebalances;
  const auto& changed = w.memory.last_change;
  if (r.length <= Duration::zero() || !changed || w.mending()) return false;
  if (w.current == 0) return false;  // nobody stands still for the first
  const bool more = w.may_rise();
  if (!more && !w.may_fall()) return false;
  const Duration since = w.now - *changed;
  const Duration wait = !more              ? kRebalancesBeforeFewer * r.length
                        : r.over > changed ? Duration::zero()
                                           : r.length;
  if (since < wait)
    w.limit(
        "rebalance", w.current,
        fmt::format("rebalance: the queue's consumers stand still for about {} after each change, {} to go",
                    short_duration(r.length), short_duration(wait - since)));
  return false;
}

bool advice(Weighing& w) {
  auto& m = w.memory;
  // What the policy would have done, advice or not.
  if (w.alone)
    m.budget.policy_has(std::min(*w.alone, w.current));
  else
    m.budget.policy_moved(w.current, std::clamp(w.target, w.min, w.max));
  if (w.target > w.current) m.put_off_until.reset();
  if (m.put_off_until && w.may_fall() && !w.mending() && w.now < *m.put_off_until && m.budget.left())
    w.limit("advice", w.current,
            fmt::format("put off on the model's advice{}, {} to go",
                        m.put_off_why.empty() ? "" : fmt::format(" (\"{}\")", m.put_off_why),
                        short_duration(*m.put_off_until - w.now)));
  if (w.alone && w.target < *w.alone && (*w.alone <= w.current || w.in.replicas.failing == 0)) {
    w.limit("advice", *w.alone,
            fmt::format("without the model's advice there would be {} replicas by now", *w.alone));
    if (w.target > w.current) w.d.reason += "; " + w.d.limits.back().detail;
  }
  // What advice added or kept goes once its budget is used up: to what the policy's own steps have come to.
  if (w.alone && !m.budget.left() && w.target <= w.current && *w.alone < w.target) {
    w.limit("advice", *w.alone,
            fmt::format(
                "advice has used as many replica-seconds as it may: without it there would be {} replicas",
                *w.alone));
    w.d.reason = w.d.limits.back().detail;
  }
  return false;
}

// The machine carries no more: what runs stays, and min_replicas count. Who asks for more in person gets it.
bool host_carries(Weighing& w) {
  for (const auto& [name, room] :
       {std::pair{"host_memory", &w.overrides.host_memory}, {"host_cpu", &w.overrides.host_cpu}}) {
    if (!*room) continue;
    const int most = std::max({(*room)->most, w.current, w.min});
    if (w.target <= most) continue;
    w.limit(name, most, (*room)->why);
    if (most > w.current) w.d.reason += "; " + (*room)->why;
  }
  return false;
}

// Others wait for these: like a bound, neither steps nor cooldown hold it up.
bool give_way(Weighing& w) {
  const auto& room = w.overrides.room;
  if (!room || w.target <= room->most || w.current <= room->most) return false;
  w.limit("max_total_replicas", std::max(room->most, w.min), room->why);
  if (w.target < w.current) w.d.reason = room->why;
  return false;
}

bool keep_bounds(Weighing& w) {
  if (w.target > w.max) {
    w.limit("max_replicas", w.max,
            fmt::format("{}max_replicas {}{}", w.current == w.max ? "already at " : "", w.max, w.by));
    if (w.current < w.max)
      w.d.reason += fmt::format("; max_replicas {}{} allows {}", w.max, w.by, w.max - w.current);
  }
  if (w.target < w.min && w.unfit) w.limit("unfit_for_zero", w.min, w.overrides.unfit_for_zero);
  if (w.target < w.min)
    w.limit("min_replicas", w.min,
            w.current == w.min ? fmt::format("already at min_replicas {}{}{}", w.min, w.by, w.at_min_why)
                               : fmt::format("min_replicas {}{}", w.min, w.by));
  return false;
}

bool approval(Weighing& w) {
  if (!w.overrides.approval || w.target == w.current) return false;
  if (w.current < w.min || w.current > w.max)
    w.limit("approval", std::clamp(w.current, w.min, w.max),
            "the bounds need no approval, what goes beyond them does");
  else
    w.d.needs_approval = true;
  return false;
}

// In the order of limits.h.
constexpr std::array kSteps = {leave_alone,
                               mend_bounds,
                               held_by_a_person,
                               some_queue_has_work,
                               freshness,
                               paused,
                               work_keeps_one,
                               not_seen_for_a_while,
                               some_are_starting,
                               more_would_not_help,
                               steps,
                               stabilization,
                               cooldown,
                               rebalance,
                               advice,
                               host_carries,
                               give_way,
                               keep_bounds,
                               approval};

void note_change(LimitMemory& m, Time now, int current) {
  if (m.last_current && *m.last_current != current) {
    // Our own order counts from when it went out, anybody else's change from when it was seen.
    const bool ours = m.ordered && (m.ordered->second > *m.last_current) == (current > *m.last_current);
    m.last_change = ours ? m.ordered->first : now;
    m.ordered.reset();
  }
  m.last_current = current;
}

void conclude(Weighing& w) {
  Decision& d = w.d;
  // Whatever asks for more, a person and min_replicas included.
  if (const auto& room = w.overrides.room; room && w.target > w.current && w.target > room->most) {
    w.limit("max_total_replicas", std::max(w.current, room->most), room->why);
    if (w.target > w.current) d.reason += "; " + room->why;
  }
  d.target = w.target;
  d.action = d.target > d.current   ? Action::kScaleUp
             : d.target < d.current ? Action::kScaleDown
                                    : Action::kHold;
  if (d.action == Action::kHold) {
    // A policy wanted to move and may not: say what holds it, after what it wanted.
    if (!d.limits.empty() && d.reason != d.limits.back().detail) d.reason += "; " + d.limits.back().detail;
  } else if (!d.needs_approval) {
    w.memory.ordered = {w.now, d.target};
    if (d.target > d.current) w.memory.stepped_up = w.now;
  }
}

}  // namespace

LimitRules::LimitRules(const ServiceSpec& s)
    : service(s.name),
      spec(s.limits),
      has_queue(s.queue.has_value()),
      steps_bind(!s.objective || s.limits.steps_given),
      rules_alone(s.rules && !s.objective),
      stale_after(s.stale_after()),
      window(s.metrics_window) {}

Decision limited(const LimitRules& rules, LimitMemory& memory, Time now, const Situation& situation,
                 const Overrides& overrides, Recommendation recommendation, std::optional<int> alone) {
  note_change(memory, now, situation.replicas.current);
  memory.budget.tick(now, situation.replicas.current);
  Weighing w(rules, memory, now, situation, overrides, recommendation, alone);
  for (const auto step : kSteps) {
    if (step(w)) break;
  }
  conclude(w);
  w.d.recommendation = std::move(recommendation);
  return std::move(w.d);
}

}  // namespace docktor
