// What the controller tells other threads: each service's figures and conditions.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "control/controller.h"
#include "core/guess.h"
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

Holdings Controller::holdings(const Service& s, Time now) const {
  Holdings all;
  const auto add = [&](bool holds, Condition c, std::string detail = {}) {
    if (holds) all.push_back({c, std::move(detail)});
  };
  const Observation seen = s.autoscaler.latest(now);
  const bool stale = s.queue ? seen.queue_at && seen.queue_stale : seen.usage_at && seen.usage_stale;
  add(s.queue_trouble.has_value(), Condition::kQueueUnreachable,
      s.queue_trouble ? fmt::format("since {}: {}", clock_text(shown(s.queue_trouble->since)),
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

void Controller::publish(const Service& s, Time now) const {
  auto f = std::make_shared<ServiceFigures>();
  f->name = s.spec.name;
  if (s.queue) f->queue = s.spec.queue->shown;
  f->target = s.spec.target.kind;
  f->policy = s.spec.objective ? "objective" : "rules";
  f->at = now;
  f->by_wall = by_wall_;
  f->counts = s.counts;
  for (const auto& r : s.report.replicas) {
    f->starting += r.state == ReplicaState::kStarting;
    f->stopping += r.state == ReplicaState::kStopping;
    f->restarts += static_cast<std::uint64_t>(std::max(0, r.restarts));
  }
  f->wanted = s.wanted;
  f->bounds = s.bounds();
  f->latest = s.autoscaler.latest(now);
  f->decision = s.last_decision;
  f->decision_id = s.last_id;
  f->outcome = s.last_outcome;
  f->why = why_nothing(s, now);
  if (s.queue_trouble)
    f->not_ready = s.queue_trouble->error.message;
  else if (s.queue && !s.first_sample)
    f->not_ready = "no answer from the queue yet";
  else
    f->not_ready = s.report.problem;
  f->holdings = holdings(s, now);
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
  options_.board->publish(std::move(f));
}

void Controller::publish_touched() const {
  const Time now = options_.clock.now();
  for (Service* s : touched_) {
    if (s->tally.last_current >= 0 && s->tally.last_current != s->counts.current) s->tally.last_change = now;
    s->tally.last_current = s->counts.current;
    publish(*s, now);
  }
  if (lease_) figures_.lease = lease_->standing();
  options_.board->publish(figures_);
}

void Controller::tell(const Service& s, const nlohmann::ordered_json& record,
                      const std::string& outcome) const {
  if (!options_.board || outcome == "pending") return;
  DecisionNote note;
  note.service = s.spec.name;
  note.id = record.value("id", "");
  note.reason = record.value("reason", "");
  note.outcome = outcome;
  note.at = options_.clock.now();
  note.from = record.value("current_replicas", 0);
  note.to = record.value("target_replicas", 0);
  note.action = note.to > note.from   ? Action::kScaleUp
                : note.to < note.from ? Action::kScaleDown
                                      : Action::kHold;
  options_.board->note(std::move(note));
}

}  // namespace docktor
