// A pool's deadlines and housekeeping, and how its changes come to the report and the record.
#include <algorithm>
#include <utility>

#include "targets/process/process_pool.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;

}  // namespace

TargetReport ProcessPool::report() {
  auto out = shown_.report();
  out.grace = options_.spec.stop_grace_period;
  return out;
}

void ProcessPool::publish() {
  publish_posted_ = false;
  if (closed_) return;
  const bool changed = shown_.put(replicas_, fingerprint_, killed_stops_.text());
  if (std::exchange(record_changed_, false)) files_.write(replicas_, says_ready_);
  if (changed && options_.on_change) options_.on_change();
}

void ProcessPool::touch() {
  if (closed_ || std::exchange(publish_posted_, true)) return;
  // Once for all that changes in this turn.
  supervisor_.post([self = shared_from_this()] {
    if (self->publish_posted_) self->publish();
  });
}

void ProcessPool::touch_record() {
  record_changed_ = true;
  touch();
}

void ProcessPool::news(std::string text) {
  shown_.news(std::move(text));
  touch();
}

void ProcessPool::keep_files() {
  if (!closed_ && !replicas_.empty()) files_.keep();
}

void ProcessPool::tick() {
  if (closed_) return;
  const auto now = steady_clock::now();
  std::vector<ProcessReplica*> due;
  for (auto& r : replicas_) {
    if (r.deadline && *r.deadline <= now) due.push_back(&r);
  }
  for (auto* r : due) on_deadline(*r);  // removes none
  for (auto& r : replicas_) {
    if (!r.look_again || *r.look_again > now) continue;
    r.look_again.reset();
    look_soon_after(r);
  }
  if (next_housekeeping_ && *next_housekeeping_ <= now) housekeep();
  if (show_status_at_ && *show_status_at_ <= now) {
    show_status_at_.reset();
    touch();
  }
  plan();
}

void ProcessPool::plan() {
  if (closed_) return;
  const bool any_running =
      std::ranges::any_of(replicas_, [](const ProcessReplica& r) { return r.phase == Phase::kRunning; });
  if (!any_running && !files_.in_trouble())
    next_housekeeping_.reset();
  else if (!next_housekeeping_)
    next_housekeeping_ = steady_clock::now() + options_.care.output_check;
  std::optional<TimePoint> next = next_housekeeping_;
  const auto sooner = [&](const std::optional<TimePoint>& t) {
    if (t && (!next || *t < *next)) next = t;
  };
  sooner(show_status_at_);
  for (const auto& r : replicas_) {
    sooner(r.deadline);
    sooner(r.look_again);
  }
  if (!next) return supervisor_.no_wake(this);
  supervisor_.wake(this, *next, [self = shared_from_this()] { self->tick(); });
}

void ProcessPool::housekeep() {
  bool cut = false;
  for (auto& r : replicas_) {
    if (r.phase != Phase::kRunning) continue;
    cut = r.output.cut(options_.care.output_cap, r.process.pid) || cut;
    on_end(r);  // should its watch have failed
  }
  // One that fills its file between two looks is looked at more often.
  next_housekeeping_ =
      steady_clock::now() + (cut ? options_.care.output_check / 10 : options_.care.output_check);

  keep_files();
  if (auto told = files_.look_for_trouble(); !told.empty()) news(std::move(told));
}

}  // namespace docktor
