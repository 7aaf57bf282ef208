#include "control/telling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/guess.h"
#include "core/room.h"
#include "core/text.h"

namespace docktor {
namespace {

bool limited_by(const Decision& d, std::string_view limit) {
  return std::ranges::find(d.limits, limit, &AppliedLimit::name) != d.limits.end();
}

// More replicas than there may be are wanted, and all that may be are there.
bool wants_more_than_max(const Service& s) {
  return s.last_decision && s.counts.current >= s.bounds().max &&
         (limited_by(*s.last_decision, "max_replicas") ||
          s.last_decision->recommendation.wanted > s.bounds().max);
}

std::optional<double> decision_number(const std::shared_ptr<const Decision>& d, std::string_view name) {
  if (!d) return std::nullopt;
  const auto& numbers = d->recommendation.numbers;
  const auto it = std::ranges::find_if(numbers, [&](const auto& n) { return n.first == name; });
  return it == numbers.end() ? std::nullopt : std::optional(it->second);
}

bool guessed(const std::shared_ptr<const Decision>& d, std::string_view name) {
  return is_guess(name, [&](std::string_view one) { return decision_number(d, one); });
}

std::string headroom_text(const ServiceSpec& spec, double missing, double kept) {
  if (!spec.objective) return {};
  return fmt::format("{:.1f}% of the messages are in time; {:g}% would take {:.0f} replicas more", kept,
                     100 * spec.objective->quantile, std::ceil(missing));
}

// Once it is known to a quarter. Of a replica that works on several at once this is less than a job takes: silence is no
// proof.
std::optional<Duration> job_time(const std::shared_ptr<const Decision>& d) {
  constexpr double kLeast = 1e-6;  // messages per second
  const auto capacity = decision_number(d, "capacity"), error = decision_number(d, "capacity_error");
  if (!capacity || !error || *capacity < kLeast || *error > kWellKnown * *capacity) return std::nullopt;
  return seconds(1 / *capacity);
}

constexpr auto kProblemsApart = std::chrono::minutes(1);  // in the log, while one lasts
constexpr Duration kIdle = std::chrono::seconds(10);

}  // namespace

std::string ends_at_once(const Service& s, Time now) {
  if (!s.idle_since || now - *s.idle_since < kIdle) return {};
  const Observation seen = s.autoscaler.latest(now);
  if (!seen.queue_at || seen.queue_stale || seen.queue.num_pending == 0) return {};
  return fmt::format(
      "{0} of {0} replicas end with exit code 0 before they are ready, and no message is finished ({1} "
      "waiting): "
      "keep the worker in the foreground, and let it wait for messages",
      s.counts.current, seen.queue.num_pending);
}

void tell_killed(spdlog::logger& log, const Service& s, const std::string& killed) {
  if (killed.empty() == s.report.killed.empty()) return;
  if (killed.empty())
    log.info("[{}] replicas end in time again when they are told to", s.spec.name);
  else
    log.warn("[{}] ⚠ {}", s.spec.name, killed);
}

// Once when it begins and once when it ends. A library's sentence for one outage may be another at each try.
void tell_problem(spdlog::logger& log, Service& s, const std::string& problem, Time now) {
  if (problem == s.problem_told) return;
  if (problem.empty())
    log.info("[{}] the target answers again", s.spec.name);
  else if (s.problem_told.empty() || now - s.problem_told_at >= kProblemsApart)
    log.warn("[{}] ⚠ {}", s.spec.name, problem);
  else
    return;
  s.problem_told = problem;
  s.problem_told_at = now;
}

std::string why_nothing(const Service& s, const Instant& at) {
  const Time now = at.now;
  if (s.order) return {};  // something does happen
  if (!s.report.stopped_by_hand.empty()) {
    return fmt::format("{}, so docktor leaves it at 0; start a replica or run `docktor resume {}`",
                       s.report.stopped_by_hand, s.spec.name);
  }
  if (!s.report.problem.empty()) return s.report.problem;
  if (!at.not_leading.empty()) return at.not_leading;
  if (!s.report.hold.empty()) return s.report.hold;
  if (s.overrides.hold)
    return fmt::format("{}; `docktor resume {}` ends that", s.overrides.hold->text(), s.spec.name);
  if (s.queue_trouble) {
    // A server that answers, without what is asked for, is no server that is silent.
    const bool missing = s.queue_trouble->error.code == ErrorCode::kNotFound;
    return fmt::format("{} for {}: {}", missing ? "the queue has been missing" : "the queue has not answered",
                       spoken_duration(now - s.queue_trouble->since), s.queue_trouble->error.message);
  }
  if (!s.last_decision) {
    return fmt::format("no decision yet; the first is due in {}",
                       short_duration(std::max(Duration::zero(), s.next_check - now)));
  }
  if (const auto& p = s.proposals.policys()) {
    return fmt::format("proposal {} ({} → {}: {}) waits for `docktor approve {}` or `docktor reject {}`",
                       p->id, p->from, p->to, p->reason, p->id, p->id);
  }
  if (s.last_outcome == "rejected")
    return s.proposals.rejected_text() + "; it is proposed again when that has changed";
  if (s.last_outcome == "failed" && s.retry_at)
    return fmt::format("{}; next try at {}", s.order_error, clock_text(*s.retry_at + at.by_wall));
  if (s.last_outcome == "dry_run") return "dry run: the decision was not carried out";
  if (s.last_decision->action != Action::kHold) return {};
  // What the policy waits for ("learning") they would have to do.
  if (s.counts.failing > 0 && s.counts.failing == s.counts.current) {
    return fmt::format(
        "{} of {} replicas keep failing (they exit, or their health check fails): fix the worker",
        s.counts.failing, s.counts.current);
  }
  if (auto idle = ends_at_once(s, now); !idle.empty()) return idle;
  return s.last_decision->reason;
}

std::string bound_text(const Service& s) {
  const auto& bound = s.report.bound;
  if (!bound || bound->most >= s.bounds().max) return {};
  return fmt::format("at most {} {} can run, fewer than max_replicas {}: {}", bound->most,
                     bound->most == 1 ? "replica" : "replicas", s.bounds().max, bound->why);
}

Holdings holdings_of(const Service& s, const Instant& at) {
  const Time now = at.now;
  Holdings all;
  const auto add = [&](bool holds, Condition c, std::string detail = {}) {
    if (holds) all.push_back({c, std::move(detail)});
  };
  const Observation seen = s.autoscaler.latest(now);
  const bool stale = s.queue ? seen.queue_at && seen.queue_stale : seen.usage_at && seen.usage_stale;
  add(s.queue_trouble.has_value(), Condition::kQueueUnreachable,
      s.queue_trouble ? fmt::format("since {}: {}", clock_text(s.queue_trouble->since + at.by_wall),
                                    s.queue_trouble->error.message)
                      : "");
  add(stale && !s.queue_trouble, Condition::kStale);
  add(!s.report.problem.empty(), Condition::kProblem, s.report.problem);
  add(s.counts.failing > 0, Condition::kFailing,
      fmt::format("{} of {} replicas", s.counts.failing, s.counts.current));
  const auto at_once = ends_at_once(s, now);
  add(!at_once.empty(), Condition::kEndsAtOnce, at_once);
  add(wants_more_than_max(s), Condition::kAtMax, fmt::format("max_replicas is {}", s.bounds().max));
  const auto room = s.last_decision ? out_of_room(*s.last_decision) : std::string();
  add(!room.empty(), Condition::kNoRoom, room);
  const auto beyond = s.last_decision ? beyond_host(*s.last_decision) : std::string();
  add(!beyond.empty(), Condition::kHostFull, beyond);
  add(decision_number(s.last_decision, "bottleneck").has_value(), Condition::kBottleneck);
  const auto missing = decision_number(s.last_decision, "headroom_short");
  add(missing.has_value(), Condition::kHeadroomShort,
      headroom_text(s.spec, missing.value_or(0), decision_number(s.last_decision, "kept").value_or(0)));
  const auto job = job_time(s.last_decision);
  add(job && s.report.grace && *job > *s.report.grace, Condition::kCutOff,
      fmt::format("a job takes {}{}, stop_grace_period is {}: a replica that is stopped loses its job, which "
                  "is done again; "
                  "write a longer stop_grace_period",
                  guessed(s.last_decision, "capacity") ? "about " : "",
                  job ? short_duration(std::chrono::round<std::chrono::seconds>(*job)) : "",
                  s.report.grace ? short_duration(*s.report.grace) : ""));
  add(!s.report.killed.empty(), Condition::kKilled, s.report.killed);
  const auto& hold = s.overrides.hold;
  add(hold && !hold->replicas, Condition::kPaused, hold ? hold->text() : "");
  add(hold && hold->replicas, Condition::kScaledByHand, hold ? hold->text() : "");
  add(s.overrides.bounds.has_value(), Condition::kBoundsByHand,
      s.overrides.bounds ? s.overrides.bounds->text() : "");
  add(!s.report.stopped_by_hand.empty(), Condition::kStoppedByHand, s.report.stopped_by_hand);
  add(s.dry_run, Condition::kDryRun);
  add(!s.proposals.list().empty(), Condition::kApproval);
  const auto gap =
      s.queue && !s.queue_trouble && s.counts.current == 0 ? s.queue->watch_gap() : std::string();
  add(!gap.empty(), Condition::kPollingOnly, gap);
  return all;
}

ServiceFiguresPtr figures_of(const Service& s, const Instant& at) {
  const Time now = at.now;
  auto f = std::make_shared<ServiceFigures>();
  f->name = s.spec.name;
  if (s.queue) f->queue = s.spec.queue->shown;
  f->target = s.spec.target.kind;
  f->policy = s.spec.objective ? "objective" : "rules";
  f->at = now;
  f->by_wall = at.by_wall;
  f->counts = s.counts;
  for (const auto& r : s.report.replicas) {
    f->starting += r.state == ReplicaState::kStarting;
    f->stopping += r.state == ReplicaState::kStopping;
  }
  f->wanted = s.wanted;
  f->bounds = s.bounds();
  f->latest = s.autoscaler.latest(now);
  f->decision = s.last_decision;
  f->decision_id = s.last_id;
  f->outcome = s.last_outcome;
  f->why = why_nothing(s, at);
  if (s.queue_trouble)
    f->not_ready = s.queue_trouble->error.message;
  else if (s.queue && !s.first_sample)
    f->not_ready = "no answer from the queue yet";
  else
    f->not_ready = s.report.problem;
  f->holdings = holdings_of(s, at);
  f->proposals = s.proposals.list().size();
  f->oldest_wait = f->latest.get(Metric::kQueueOldestAge);
  if (!f->oldest_wait) f->oldest_wait = s.waits.oldest_wait(now);
  // Of a queue that counts nothing a policy may have learned what came.
  if (!f->oldest_wait && !f->latest.queue_stale)
    if (const auto oldest = decision_number(s.last_decision, "oldest_wait"); oldest && *oldest > 0) {
      f->oldest_wait = std::min(*oldest + to_seconds(now - s.last_decision->at), s.waits.oldest_at_most(now));
      f->oldest_is_guess = guessed(s.last_decision, "oldest_wait");
    }
  if (s.spec.objective) {
    f->max_wait = to_seconds(s.spec.objective->max_wait);
    f->quantile = s.spec.objective->quantile;
  }
  f->check_interval = s.spec.check_interval;
  f->tally = s.tally;
  return f;
}

DecisionNote note_of(const Service& s, const nlohmann::ordered_json& record, const std::string& outcome,
                     Time now) {
  DecisionNote note;
  note.service = s.spec.name;
  note.id = record.value("id", "");
  note.reason = record.value("reason", "");
  note.outcome = outcome;
  note.at = now;
  note.from = record.value("current_replicas", 0);
  note.to = record.value("target_replicas", 0);
  note.action = note.to > note.from   ? Action::kScaleUp
                : note.to < note.from ? Action::kScaleDown
                                      : Action::kHold;
  return note;
}

// A 0 that stands, or that is on its way there by an order of ours. Where it is not known it is none either: what waits is then
// worked off, which a person may stop again.
bool zero_is_no_stop(const Service& s, bool ending) {
  return s.report.stopped_by_hand.empty() &&
         (ending || !s.report.problem.empty() || s.counts.current == 0 || (s.order && s.order->target == 0));
}

}  // namespace docktor
