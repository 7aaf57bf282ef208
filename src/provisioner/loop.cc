#include "provisioner/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace docktor {
namespace {

using std::chrono::steady_clock;

constexpr auto kReadTimeout = std::chrono::seconds(2);
constexpr auto kWakeReads = std::chrono::milliseconds(50);
constexpr int kMaxFalseWakes = 20;  // within a sample interval; then looks alone until the next one
constexpr auto kMostBetweenLooks =
    std::chrono::seconds(1);  // at zero, where the watch may not see everything
constexpr auto kLeftBehind = std::chrono::seconds(2);
constexpr auto kWatcherEnd = std::chrono::seconds(2);

}  // namespace

Loop::Loop(Parts parts)
    : parts_(std::move(parts)), actor_(parts_.provisioner, [inbox = parts_.inbox, this](Actor::Report r) {
        inbox->push([this, r = std::move(r)] { reported(r); });
      }) {
  source_ = std::make_unique<JetStreamSource>(
      parts_.connection.impl()->api(), JetStreamSource::Options{parts_.stream, parts_.consumer, "", true});
}

std::string Loop::last_reason() const {
  const std::lock_guard lock(mutex_);
  return last_reason_;
}

void Loop::run() {
  next_sample_ = next_check_ = clock_.now();
  while (!parts_.stop->made()) {
    look(clock_.now());
    for (auto& event : parts_.inbox->take(due(clock_.now()))) event();
  }
  end();
}

steady_clock::time_point Loop::due(Time now) const {
  Time next = std::min(next_sample_, next_check_);
  if (decide_by_) next = std::min(next, *decide_by_);
  const auto until = steady_clock::now() + std::max(Duration::zero(), next - now);
  return parts_.watcher ? std::min(until, parts_.watcher->due()) : until;
}

void Loop::look(Time now) {
  count_messages(now);
  if (const auto hanging = actor_.hanging(steady_clock::now() - parts_.options.call_timeout))
    trouble(*hanging);
  const bool check = now >= next_check_;
  if (now >= next_sample_ || check) {
    Duration interval = parts_.sample_interval;
    if (actor_.counts().current == 0) interval = std::min<Duration>(interval, kMostBetweenLooks);
    // An interval that was missed (suspend, a stopped machine) is not made up for.
    next_sample_ = std::max(next_sample_ + interval, now + interval / 2);
    false_wakes_ = 0;
    read();
  }
  if (check) {
    next_check_ = std::max(next_check_ + parts_.check_interval, now + parts_.check_interval / 2);
    // The decision rests on a sample taken for it, and does without one that is late.
    decide_by_ = now + std::min<Duration>(parts_.check_interval / 2, std::chrono::seconds(1));
  }
  if (decide_by_ && (!reading_ || now >= *decide_by_)) {
    if (parts_.watcher && std::exchange(quiet_, true) && (actor_.counts().current > 0 || !quiet_told_)) {
      quiet_told_ = true;
      emit({.kind = Kind::kNoMessages});
    }
    decide(now);
  }
}

// Rate law: what the watcher counted. The first message at zero instances does not wait for the next step.
void Loop::count_messages(Time now) {
  if (!parts_.watcher) return;
  const auto at = steady_clock::now();
  const Watcher::Arrivals arrived = parts_.watcher->take(at);
  if (arrived.messages == 0) return;
  parts_.law->received(now - std::max(Duration::zero(), Duration(at - arrived.last)), arrived.messages);
  quiet_ = quiet_told_ = false;
  if (actor_.counts().current > 0) return;
  emit({.kind = Kind::kNewMessages});
  decide(now);
  next_check_ = now + parts_.check_interval;
}

void Loop::read() {
  if (std::exchange(reading_, true)) return;
  source_->read({kReadTimeout, {}}, [this, inbox = parts_.inbox](Result<Reading> r) {
    inbox->push([this, r = std::move(r)]() mutable { answered(std::move(r)); });
  });
}

void Loop::answered(Result<Reading> reading) {
  reading_ = false;
  Time now = clock_.now();
  if (!reading || !reading->queue) {
    const std::string text = reading ? std::string("the queue's answer is empty") : reading.error().message;
    if (text != trouble_) trouble("queue: " + text);
    trouble_ = text;
    wake_until_.reset();
    return;
  }
  trouble_.clear();
  // Two answers may come within the clock's microsecond; none of them is dropped for that.
  now = last_input_ = std::max(now, last_input_ + std::chrono::microseconds(1));
  last_answer_ = now;
  const ReplicaCounts counts = actor_.counts();
  // At zero, messages in hand are nobody's of ours: given back as the last instance stopped, most likely.
  // They are looked after sooner than their ack wait would have it.
  if (counts.current == 0) {
    auto& again = reading->queue->redelivered_after;
    again = std::min<Duration>(again, kLeftBehind);
  }
  parts_.law->observe(now, counts, *reading->queue);
  watch();
  if (counts.current > 0) return wake_until_.reset();
  if (reading->queue->num_pending > 0) {  // a wake does not wait for the next check
    wake_until_.reset();
    emit({.kind = Kind::kNewMessages});
    decide(now);
    next_check_ = now + parts_.check_interval;
  } else if (wake_until_ && now < *wake_until_) {
    read();  // the message may not be stored yet
  } else if (wake_until_) {
    wake_until_.reset();
    if (++false_wakes_ <= kMaxFalseWakes) watch();
  }
}

// At zero instances the first message wakes. The rate law's watcher sees it anyway.
void Loop::watch() {
  const bool should = !parts_.watcher && actor_.counts().current == 0 && !wake_until_;
  if (should == watching_) return;
  watching_ = should;
  if (!should) return source_->watch({});
  source_->watch([this, inbox = parts_.inbox] {
    inbox->push([this] {
      if (!std::exchange(watching_, false)) return;  // the watch ends with its first message
      wake_until_ = clock_.now() + kWakeReads;
      read();
    });
  });
}

void Loop::decide(Time now) {
  decide_by_.reset();
  const ReplicaCounts counts = actor_.counts();
  Overrides overrides;
  overrides.unfit_for_zero = source_->unfit_for_zero();
  const bool fresh = last_answer_ && now - *last_answer_ <= 2 * parts_.check_interval + kReadTimeout;
  const Ruling v = parts_.law->decide(now, counts, overrides, fresh && trouble_.empty());
  {
    const std::lock_guard lock(mutex_);
    last_reason_ = v.reason;
  }
  if (v.target != counts.current) scale(v.target, v.reason);
}

void Loop::scale(int target, const std::string& reason) {
  emit({.kind = Kind::kScaling, .from = actor_.counts().current, .to = target, .reason = reason});
  actor_.want(target);
  watch();
}

void Loop::reported(const Actor::Report& r) {
  switch (r.kind) {
    case Actor::Report::Kind::kStarted:
      return emit({.kind = Kind::kStarted, .instance = r.instance, .took = r.took});
    case Actor::Report::Kind::kStopped:
      return emit({.kind = Kind::kStopped, .instance = r.instance, .took = r.took});
    case Actor::Report::Kind::kFailed:
      return trouble(r.text);
    case Actor::Report::Kind::kFinished:
      finished_ = true;
  }
}

void Loop::end() {
  emit({.kind = Kind::kStopping, .reason = parts_.stop->why()});
  source_->watch({});
  if (const int n = actor_.counts().current; n > 0)
    emit({.kind = Kind::kScaling, .from = n, .to = 0, .reason = "the subscription ends"});
  actor_.finish();
  while (!finished_) {
    const auto since = steady_clock::now() - parts_.options.call_timeout;
    if (const auto hanging = actor_.hanging(since)) trouble(*hanging);
    for (auto& event : parts_.inbox->take(steady_clock::now() + std::chrono::milliseconds(200))) event();
  }
  source_.reset();  // answers what is under way into the inbox, where nobody looks any more
  if (parts_.watcher) parts_.watcher->end(kWatcherEnd);
}

void Loop::trouble(const std::string& text) { emit({.kind = Kind::kTrouble, .reason = text}); }

void Loop::emit(ProvisionerEvent event) {
  if (!parts_.options.on_event) return;
  event.at = steady_clock::now();
  try {
    parts_.options.on_event(event);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the host's own; it must not stop the scaling
  }
}

}  // namespace docktor
