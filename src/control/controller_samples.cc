// What the controller takes in: the watch at zero replicas, samples of the queue and of the replicas' CPU.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/controller.h"
#include "core/text.h"

namespace docktor {
namespace {

constexpr std::size_t kMaxInputs = 600;  // kept for one record; a longer check interval keeps the newest
constexpr auto kWakeReads = std::chrono::milliseconds(50);
constexpr auto kWakeReadsApart = std::chrono::milliseconds(5);
constexpr auto kHostUsageTimeout = std::chrono::seconds(2);
constexpr int kMaxFalseWakes = 20;  // within a sample interval; then polling alone until the next one

Duration read_timeout(const ServiceSpec& spec) {
  return std::clamp<Duration>(2 * spec.sample_interval, std::chrono::seconds(1), std::chrono::seconds(5));
}

// A worker may end with 0 after a message or two: as long as messages are finished nothing is wrong with that.
void look_for_work_done(Service& s, Time now) {
  const Observation seen = s.autoscaler.latest(now);
  const double left = seen.work();
  const bool done = seen.flow ? seen.flow->settled > 0 : left < s.work_left;
  if (done) s.idle_since = now;
  s.work_left = left;
}

void note_trouble(spdlog::logger& log, Time now, const std::string& service,
                  std::optional<SourceTrouble>& slot, const char* what, const Error& error) {
  const bool fresh = !slot || slot->error.message != error.message;
  if (fresh) log.warn("[{}] ⚠ {}: {}", service, what, error.message);
  if (!slot) slot = SourceTrouble{error, now};
  slot->error = error;
}

}  // namespace

void Controller::watch(Service& s) {
  const bool should = !ending_ && s.queue && s.counts.current == 0 && !s.work_waits &&
                      s.report.stopped_by_hand.empty() && s.bounds().max > 0 &&
                      s.overrides.hold == std::nullopt;
  if (should == s.watching) return;
  s.watching = should;
  if (!should) {
    s.queue->watch({});
    s.wake_until.reset();
    s.read_again.reset();
    return;
  }
  s.queue->watch([this, post = post_to(s)] { post([this](Service& s) { on_wake(s); }); });
  // Nothing may fall between the end of the last replica and the watch: read once more, now that it is set.
  if (!s.queue_in_flight) read_queue(s);
}

// An evaluation may come ahead of the check where something may come of it, and once between two checks:
// whatever makes it hold or its order fail, the next one waits for the check.
bool Controller::may_come_early(const Service& s, const Observation& seen, Time now) const {
  if (now < s.next_early || s.order || s.dry_run || !leads(now) || seen.reset || !seen.queue.paused.empty())
    return false;
  if (!s.report.stopped_by_hand.empty() || !s.report.problem.empty() || s.overrides.hold) return false;
  if (s.retry_at && now < *s.retry_at) return false;
  return !s.proposals.policys() && s.last_outcome != "rejected";  // asked already
}

// Up-rules are judged with each sample, and the first one that shows that they hold is not left to the check.
void Controller::look_early(Service& s, const Observation& seen, Time now) {
  if (s.evaluate_by || !may_come_early(s, seen, now) || s.counts.current >= s.bounds().max) return;
  const auto is_up = [](const MatchedRule& m) { return m.when == "scale_up_when"; };
  if (s.last_decision && std::ranges::any_of(s.last_decision->recommendation.matched_rules, is_up)) return;
  if (!s.autoscaler.first_sign(now, s.counts)) return;
  s.evaluate_by = now;
  s.next_check = s.next_early = now + s.spec.check_interval;
}

void Controller::on_wake(Service& s) {
  if (!s.watching) return;
  s.watching = false;  // the watch ends with its first message
  s.wake_until = options_.clock.now() + kWakeReads;
  if (!s.queue_in_flight) read_queue(s);
}

void Controller::read_queue(Service& s) {
  s.queue_in_flight = true;
  s.queue->read({read_timeout(s.spec), {}}, [this, post = post_to(s)](auto reading) {
    post([this, reading = std::move(reading)](Service& s) mutable { on_queue(s, std::move(reading)); });
  });
}

void Controller::read_usage(Service& s) {
  s.usage_in_flight = true;
  s.usage->read({read_timeout(s.spec), s.report.replicas}, [this, post = post_to(s)](auto reading) {
    post([this, reading = std::move(reading)](Service& s) mutable { on_usage(s, std::move(reading)); });
  });
}

void Controller::read_host_usage(Service& s, Time now) {
  if (!shares_.wants_usage(s, now)) return;
  s.next_needs = now + shares_.usage_lasts();
  s.needs_in_flight = true;
  s.usage->read({kHostUsageTimeout, s.report.replicas}, [this, post = post_to(s)](auto reading) {
    post([this, reading = std::move(reading)](Service& s) {
      s.needs_in_flight = false;
      if (reading && reading->usage) s.needs.seen(options_.clock.now(), *reading->usage, s.report.replicas);
    });
  });
}

void Controller::take_in(Service& s, Input input) {
  // Two answers may come within the clock's microsecond; none of them is dropped for that.
  input.at = std::max(input.at, s.last_input + std::chrono::microseconds(1));
  s.last_input = input.at;
  s.autoscaler.observe(input);
  if (s.idle_since && input.queue) look_for_work_done(s, input.at);
  if (options_.board && input.queue) s.tally.sampled(s.autoscaler.latest(input.at), s.waits);
  // By a few at a time, not by doubling: there may be thousands of services.
  if (s.inputs.size() == s.inputs.capacity()) s.inputs.reserve(s.inputs.size() + 1 + s.inputs.size() / 4);
  s.inputs.push_back(std::move(input));
  if (s.inputs.size() > kMaxInputs) s.inputs.erase(s.inputs.begin());
}

void Controller::on_queue(Service& s, Result<Reading> reading) {
  s.queue_in_flight = false;
  ++s.tally.queue_reads;
  s.tally.queue_failures += !reading || !reading->queue;
  const Time now = options_.clock.now();
  if (!reading || !reading->queue) {
    const Error nothing{ErrorCode::kInternal, "the source answered without a queue"};
    note_trouble(options_.log, now, s.spec.name, s.queue_trouble, "queue",
                 reading ? reading->part_missing.value_or(nothing) : reading.error());
    s.part_waits = reading ? reading->part_waits : std::string();
    s.wake_until.reset();
    s.read_again.reset();
    if (!s.part_waits.empty() && s.counts.current == 0 && may_come_early(s, s.autoscaler.latest(now), now)) {
      s.evaluate_by = now;
      s.next_check = s.next_early = now + s.spec.check_interval;
    }
  } else {
    s.part_waits.clear();
    if (s.queue_trouble) {
      options_.log.info("[{}] the queue answers again, after {}", s.spec.name,
                        short_duration(now - s.queue_trouble->since));
      s.queue_trouble.reset();
    }
    if (!s.first_sample) s.first_sample = now;
    s.sampled = now;
    if (s.queue_note != reading->note && !reading->note.empty())
      options_.log.warn("[{}] ⚠ queue: {}", s.spec.name, reading->note);
    s.queue_note = reading->note;
    const QueueSample& q = *reading->queue;
    take_in(s, {now, s.counts, q, std::nullopt});
    const Observation seen = s.autoscaler.latest(now);
    s.read_again.reset();
    const bool waited = std::exchange(s.work_waits, s.counts.current == 0 && q.num_pending > 0);
    if (s.work_waits) {
      s.wake_until.reset();
      if (may_come_early(s, seen, now)) {
        s.evaluate_by = now;  // a wake does not wait for the check interval
        s.next_check = s.next_early = now + s.spec.check_interval;
      } else {
        watch(s);
      }
    } else if (s.wake_until) {
      if (now < *s.wake_until) {
        s.read_again = now + kWakeReadsApart;  // the message may not be stored yet
        return;
      }
      s.wake_until.reset();
      if (++s.false_wakes <= kMaxFalseWakes) watch(s);
    } else if (waited) {
      watch(s);
    }
    look_early(s, seen, now);
  }
  if (s.evaluate_by && !s.usage_in_flight) evaluate(s);
}

void Controller::on_usage(Service& s, Result<Reading> reading) {
  s.usage_in_flight = false;
  ++s.tally.usage_reads;
  s.tally.usage_failures += !reading || !reading->usage;
  const Time now = options_.clock.now();
  if (!reading || !reading->usage) {
    note_trouble(options_.log, now, s.spec.name, s.usage_trouble, "CPU",
                 reading ? Error{ErrorCode::kInternal, "the source answered without CPU"} : reading.error());
  } else {
    if (reading->usage_is_partial)
      note_trouble(options_.log, now, s.spec.name, s.usage_trouble, "CPU",
                   {ErrorCode::kUnavailable, fmt::format("known of {} of {} ready replicas only",
                                                         reading->usage->size(), s.counts.ready)});
    else
      s.usage_trouble.reset();
    if (!s.queue && !s.first_sample) s.first_sample = now;
    s.busyness.clear();
    for (const auto& u : *reading->usage) s.busyness[u.id] = u.cpu;
    if (s.place != HostPlace::kElsewhere) s.needs.seen(now, *reading->usage, s.report.replicas);
    // A mean of some replicas is not the mean: rules get nothing, and hold.
    if (!reading->usage->empty() && !reading->usage_is_partial) {
      take_in(s, {now, s.counts, std::nullopt, std::move(reading->usage)});
      look_early(s, s.autoscaler.latest(now), now);
    }
  }
  if (s.evaluate_by && !s.queue_in_flight) evaluate(s);
}

}  // namespace docktor
