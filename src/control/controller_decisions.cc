// From a check to its decision, and from the decision to an order and its outcome.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/controller.h"
#include "core/pause.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor {
namespace {

constexpr std::size_t kMostHistory = 12;
constexpr int kMostConflicts = 3;  // in a row, decided anew at once
constexpr auto kMostBackoff = std::chrono::minutes(1);

std::string observations_text(const Observation& o) {
  std::string text;
  for (const auto& m : kMetrics) {
    if (const auto v = o.get(m.metric))
      text += fmt::format("{}{}={:.1f}", text.empty() ? "" : " ", m.name, *v);
  }
  return text.empty() ? "none" : text;
}

void log_queue(spdlog::logger& log, const std::string& service, const Observation& seen) {
  const auto text = [&](Metric m) {
    const auto v = seen.get(m);
    return v ? fmt::format("{:.1f}", *v) : std::string("unknown");
  };
  const QueueSample& q = seen.queue;
  log.info(
      "[{}] get_queue_metrics response: backlog={} lag={} rate_in={} rate_out={} num_ack_pending={} "
      "num_waiting={}",
      service, q.num_pending, text(Metric::kQueueLag), text(Metric::kQueueRateIn),
      text(Metric::kQueueRateOut), q.num_ack_pending ? fmt::format("{}", *q.num_ack_pending) : "unknown",
      q.num_waiting ? fmt::format("{}", *q.num_waiting) : "unknown");
}

}  // namespace

void Controller::evaluate(Service& s) {
  s.evaluate_by.reset();
  if (ending_ || hold_orders_) return;
  settle_without(s, "no answer before the next evaluation");
  look(s);
  const Time now = options_.clock.now();
  const Overrides overrides = overrides_of(s, now);
  Evaluation e;
  e.decision = s.autoscaler.evaluate(now, s.counts, overrides);
  e.overrides = overrides;
  e.counts = s.counts;
  e.version = s.report.version;
  e.id = fmt::format("{}-{}", options_.run_id, next_decision_++);
  ++s.evaluations;
  e.inputs = nlohmann::ordered_json::array();
  for (const auto& input : s.inputs) e.inputs.push_back(to_json(input, s.spec.name));
  s.inputs.clear();
  take_added(s, e);
  if (!leads(now) || !await_advice(s, e)) conclude(s, std::move(e));
  records_.keep_file_whole(s);
  if (!s.order) watch(s);  // an order's outcome sees to it
}

void Controller::conclude(Service& s, Evaluation e) {
  Decision& d = e.decision;
  auto r = record_of(e, metadata_of(options_.metadata, advising_, e), records_.shown(d.at));

  const bool news = !s.last_decision || s.last_decision->action != d.action || d.action != Action::kHold ||
                    s.last_decision->current != d.current;
  s.tally.decided(d);
  ended(s, s.proposals.review(d, s.bounds(), options_.clock.now()));
  s.last_id = e.id;
  s.last_outcome = "none";
  if (s.queue && d.observation.queue_at) log_queue(options_.log, s.spec.name, d.observation);
  if (news) {
    options_.log.info("[{}] Current replicas: {} ({} ready)", s.spec.name, e.counts.current, e.counts.ready);
    options_.log.info("[{}] Observations: {}", s.spec.name, observations_text(d.observation));
  }
  options_.log.info("[{}] Decision: {} {} → {} ({})", s.spec.name, to_string(d.action), d.current, d.target,
                    d.reason);
  const auto leader = not_leading(options_.clock.now());
  if (d.action != Action::kHold && !leader.empty()) {
    // What this docktor would do, did it lead.
    s.last_outcome = "follows";
    options_.log.info("[{}] Not carried out: {}", s.spec.name, leader);
    r["outcome"] = s.last_outcome;
    r["leader"] = leader;
    r["duration"] = 0.0;
    records_.write(r);
  } else if (d.action == Action::kHold || d.needs_approval) {
    if (d.needs_approval) s.last_outcome = propose(s, d, e.id);
    r["outcome"] = s.last_outcome;
    r["duration"] = 0.0;
    records_.write(r);
    if (d.action != Action::kHold) tell(s, r, s.last_outcome);
  } else {
    order(s, d.current, d.target, std::move(r), e.version);
    hear_of_scale_up(s, e);
  }
  if (advising_.adviser) {
    auto brief = to_json(d);
    brief["t"] = to_seconds(d.at);
    s.history.push_back(std::move(brief));
    if (s.history.size() > kMostHistory) s.history.pop_front();
  }
  s.last_decision = std::make_shared<const Decision>(std::move(d));
  shares_.renew(s, options_.clock.now());
}

void Controller::order(Service& s, int from, int to, nlohmann::ordered_json record, std::string version,
                       bool recorded) {
  if (s.order) close_order(s, "superseded", "");
  const Time now = options_.clock.now();
  if (lease_) record["epoch"] = lease_->standing().epoch;
  const auto number = next_order_++;
  s.order = PendingOrder{number, now, to, recorded, version, std::move(record)};
  s.last_outcome = "pending";
  s.wanted = to;
  options_.log.info("[{}] Executing: {} → {} replicas", s.spec.name, from, to);
  ScaleOrder what{to, s.busyness, std::move(version)};
  if (lease_ && to == 0 && !s.dry_run) return announce(s, std::move(what));
  send(s, std::move(what));
}

void Controller::send(Service& s, ScaleOrder what) {
  s.target->scale(what, [this, post = post_to(s), number = s.order->number](auto outcome) {
    post([this, number, outcome = std::move(outcome)](Service& s) { on_outcome(s, number, outcome); });
  });
}

void Controller::close_order(Service& s, const std::string& outcome, const std::string& error) {
  const double duration = to_seconds(options_.clock.now() - s.order->at);
  s.last_outcome = outcome;
  s.tally.ordered(outcome, s.order->record.value("current_replicas", s.order->target), s.order->target,
                  duration);
  tell(s, s.order->record, outcome);
  if (s.order->recorded) {
    const std::string id = s.order->record.value("id", "");
    records_.write({{"ts", utc_seconds(records_.shown(options_.clock.now()))},
                    {"event", "outcome"},
                    {"service", s.spec.name},
                    {"id", id},
                    {"outcome", outcome},
                    {"error", error},
                    {"duration", duration}});
  } else {
    s.order->record["outcome"] = outcome;
    if (!error.empty()) s.order->record["error"] = error;
    s.order->record["duration"] = duration;
    records_.write(s.order->record);
  }
  s.order.reset();
}

void Controller::on_outcome(Service& s, std::uint64_t number, const Result<std::string>& outcome) {
  if (!s.order || s.order->number != number) return;
  const std::string& name = s.spec.name;
  if (outcome) {
    s.failed_orders = 0;
    s.conflicts = 0;
    s.retry_at.reset();
    s.order_error.clear();
    if (s.dry_run)
      options_.log.info("[{}] Dry run: {}", name, *outcome);
    else
      options_.log.info("[{}] ✓ Scaled successfully: {}", name, *outcome);
    const auto done = s.order->record;
    close_order(s, s.dry_run ? "dry_run" : "done", "");
    explain_later(s, done);
    s.work_waits = false;  // as seen by the read that the watch begins with
  } else if (outcome.error().code == ErrorCode::kConflict && !s.order->version.empty() &&
             s.conflicts < kMostConflicts) {
    // The decision rested on a state that is gone: look and decide anew, at once but not for ever. It is no failure: on some
    // engines the state changes with each step of a roll-out.
    ++s.conflicts;
    s.next_check = options_.clock.now();
    s.sampled.reset();  // a sample of its own: the last one was decided on
    options_.log.info("[{}] Not scaled: {}; deciding anew", name, outcome.error().message);
    close_order(s, "conflict", outcome.error().message);
  } else {
    const Time now = options_.clock.now();
    // What passes by itself (somebody else is changing the service just now) is tried again soon, the rest
    // later.
    const Duration first = outcome.error().retry
                               ? std::min<Duration>(s.spec.check_interval, std::chrono::seconds(1))
                               : s.spec.check_interval;
    const auto backoff = pause_after(std::min(s.failed_orders, 6) + 1, first, kMostBackoff);
    s.next_check = std::min(s.next_check, now + backoff);
    ++s.failed_orders;
    s.conflicts = 0;
    s.retry_at = now + backoff;
    s.order_error =
        fmt::format("{} failed: {}", s.order->target < s.counts.current ? "scale-down" : "scale-up",
                    outcome.error().message);
    options_.log.error("[{}] ✗ Scaling failed: {}; next try in {}", name, outcome.error().message,
                       short_duration(backoff));
    close_order(s, "failed", outcome.error().message);
  }
  refresh(s);
}

}  // namespace docktor
