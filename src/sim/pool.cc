#include "sim/pool.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace docktor::sim {
namespace {

constexpr double kColdFactor = 2;  // on the work per message, while a worker warms up

}  // namespace

Pool::Pool(const World& world, const Load& load, std::uint64_t seed, int replicas, double limit)
    : worker_(world.worker),
      faults_(world.faults),
      arrivals_(load, world.arrivals, seed),
      service_(seed, Draw::kService),
      startup_(seed, Draw::kStartUp),
      speed_(seed, Draw::kSpeed),
      fault_(seed, Draw::kFault),
      waits_(limit),
      recent_(limit) {
  const double variance = std::log1p(worker_.service_cv * worker_.service_cv);
  log_sd_ = std::sqrt(variance);
  log_mean_ = std::log(worker_.service_mean) - variance / 2;
  next_arrival_ = arrivals_.next();
  for (int i = 0; i < replicas; ++i) {
    start_one();
    // Those of the beginning are ready; nobody ordered their start.
    Slot& s = slots_.back();
    ++s.life;
    s.state = State::kAble;
    s.able_at = -worker_.warm_up;
    s.told = true;
    ++told_ready_;
    take_or_wait(static_cast<std::uint32_t>(slots_.size() - 1));
  }
  starts_ = 0;
  changes_.clear();
  note();
}

void Pool::note() {
  if (!changes_.empty() && changes_.back().at == now_) changes_.pop_back();
  changes_.push_back({now_, current_, told_ready_, alive_});
}

void Pool::open_pull(std::uint32_t slot) {
  pulls_.push({slot, slots_[slot].life});
  ++open_pulls_;
}

double Pool::begin(std::uint32_t slot, const Message& m) {
  if (!m.begun) {
    const double wait = now_ - m.arrival;
    waits_.add(wait);
    if (keep_recent_) recent_.add(wait);
  }
  double s = worker_.service_mean;
  if (worker_.service_cv == 1)
    s *= service_.exponential(m.index);
  else if (worker_.service_cv > 0)
    s = std::exp(log_mean_ + log_sd_ * service_.normal(m.index));
  s *= slots_[slot].speed;
  if (now_ < slots_[slot].able_at + worker_.warm_up) s *= kColdFactor;
  if (worker_.drift != 0) {
    s *= 1 + worker_.drift * std::sin(2 * std::numbers::pi * now_ / worker_.drift_period);
  }
  if (worker_.bottleneck > 0 && busy_ > worker_.bottleneck && now_ < worker_.bottleneck_until)
    s *= static_cast<double>(busy_) / worker_.bottleneck;
  if (!m.begun) service_sum_ += s;
  return now_ + s;
}

void Pool::deliver(std::uint32_t slot, const Message& m) {
  Slot& s = slots_[slot];
  ++deliveries_;
  if (m.again)
    --dead_hands_;
  else
    ++first_deliveries_;
  ++in_hand_;
  if (s.in_hand++ > 0) {
    s.local.push(m);
    return;
  }
  s.working = m;
  ++busy_;
  events_.push({begin(slot, m), slot, tag(kDone, s)});
}

bool Pool::next_message(Message& out) {
  if (!again_.empty()) {
    out = again_.pop();
    return true;
  }
  if (queue_.empty()) return false;
  out = queue_.pop();
  return true;
}

void Pool::arrive() {
  const Message m{next_arrival_, arrived_++, false};
  next_arrival_ = arrivals_.next();
  if (worker_.seen_late > 0) {
    unseen_.push(m);
    return;
  }
  queue_.push(m);
  serve_pulls();
}

void Pool::become_visible() {
  queue_.push(unseen_.pop());
  serve_pulls();
}

void Pool::serve_pulls() {
  while (!pulls_.empty() && !(queue_.empty() && again_.empty())) {
    const Pull p = pulls_.pop();
    const Slot& s = slots_[p.slot];
    if (s.life != p.life || s.stopping) continue;  // its replica left meanwhile
    --open_pulls_;
    Message next;
    next_message(next);
    deliver(p.slot, next);
  }
}

// An able worker with nothing in its hand.
void Pool::take_or_wait(std::uint32_t slot) {
  const int most = std::max(worker_.fetch, worker_.prefetch);
  Message next;
  while (slots_[slot].in_hand < most && next_message(next)) deliver(slot, next);
  if (worker_.poll > 0) {
    if (slots_[slot].in_hand == 0) events_.push({now_ + worker_.poll, slot, tag(kPoll, slots_[slot])});
    return;
  }
  const int open =
      worker_.fetch > 1 ? static_cast<int>(slots_[slot].in_hand == 0) : most - slots_[slot].in_hand;
  for (int i = 0; i < open; ++i) open_pull(slot);
}

void Pool::poll(std::uint32_t slot) {
  if (!slots_[slot].stopping && slots_[slot].in_hand == 0) take_or_wait(slot);
}

void Pool::done(const Event& e) {
  Slot& s = slots_[e.slot];
  --in_hand_;
  --s.in_hand;
  const bool refills = worker_.fetch <= 1 && worker_.poll <= 0;
  if (s.in_hand > 0) {
    s.working = s.local.pop();
    const double end = begin(e.slot, s.working);
    events_.replace_top({end, e.slot, e.tag});
    if (s.stopping || !refills) return;
    Message next;
    if (next_message(next))
      deliver(e.slot, next);
    else
      open_pull(e.slot);
    return;
  }
  Message next;
  if (refills && !s.stopping && next_message(next)) {
    // The common case under load: straight on to the next message.
    ++deliveries_;
    if (next.again)
      --dead_hands_;
    else
      ++first_deliveries_;
    ++in_hand_;
    ++s.in_hand;
    s.working = next;
    const double end = begin(e.slot, next);
    events_.replace_top({end, e.slot, e.tag});
    return;
  }
  events_.pop();
  --busy_;
  if (s.stopping) {
    leave(e.slot);
    note();
  } else if (refills) {
    open_pull(e.slot);
  } else {
    take_or_wait(e.slot);
  }
}

void Pool::leave(std::uint32_t slot) {
  Slot& s = slots_[slot];
  s.state = State::kGone;
  s.stopping = false;
  s.told = false;
  ++s.life;
  --alive_;
  free_.push_back(slot);
}

void Pool::launch(std::uint32_t slot) {
  Slot& s = slots_[slot];
  const std::uint64_t n = launches_++;
  s.state = State::kStarting;
  s.in_hand = 0;
  s.stopping = false;
  s.order = n;
  s.speed = 1;
  if (worker_.speed_cv > 0) {
    const double variance = std::log1p(worker_.speed_cv * worker_.speed_cv);
    s.speed = std::exp(-variance / 2 + std::sqrt(variance) * speed_.normal(n));
  }
  double delay =
      std::max(worker_.startup_mean / 4, worker_.startup_mean + worker_.startup_sd * startup_.normal(n));
  if (faults_.fail_start > 0 && fault_.uniform(2 * n) < faults_.fail_start) delay *= 2;
  s.told = false;
  events_.push({now_ + delay, slot, tag(kAbleNow, s)});
  const double told = std::max(0.0, delay + worker_.ready_late - worker_.ready_early);
  events_.push({now_ + told, slot, tag(kTold, s)});
  if (faults_.crash_per_hour > 0) {
    const double life = delay + fault_.exponential(2 * n + 1) * 3600 / faults_.crash_per_hour;
    events_.push({now_ + life, slot, tag(kCrash, s)});
  }
}

void Pool::start_one() {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  ++current_;
  ++alive_;
  ++starts_;
  launch(slot);
}

void Pool::stop_one() {
  std::size_t pick = slots_.size();
  const auto rank = [](const Slot& s) { return !s.told ? 2 : s.in_hand == 0 ? 1 : 0; };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& s = slots_[i];
    if (s.state == State::kGone || s.stopping) continue;
    if (pick == slots_.size() || rank(s) > rank(slots_[pick]) ||
        (rank(s) == rank(slots_[pick]) && s.order > slots_[pick].order)) {
      pick = i;
    }
  }
  if (pick == slots_.size()) return;
  Slot& s = slots_[pick];
  --current_;
  ++stops_;
  if (s.told) --told_ready_;
  s.told = false;
  open_pulls_ -= pulls_of(s);
  if (s.in_hand > 0)
    s.stopping = true;
  else
    leave(static_cast<std::uint32_t>(pick));
}

void Pool::scale(int replicas) {
  if (replicas == current_) return;
  while (current_ < replicas) start_one();
  while (current_ > replicas && current_ > 0) stop_one();
  note();
}

void Pool::crash(std::uint32_t slot) {
  Slot& s = slots_[slot];
  const auto lose = [&](Message m) {
    m.again = true;
    ++dead_hands_;
    events_.push({now_ + faults_.ack_wait, static_cast<std::uint32_t>(lost_.size()),
                  static_cast<std::uint32_t>(kAgain)});
    lost_.push_back(m);
  };
  in_hand_ -= static_cast<std::uint64_t>(s.in_hand);
  if (!s.stopping) open_pulls_ -= pulls_of(s);
  if (s.in_hand > 0) {
    --busy_;
    s.working.begun = true;
    lose(s.working);
  }
  while (!s.local.empty()) lose(s.local.pop());
  if (s.stopping) {
    s.in_hand = 0;
    leave(slot);
  } else {
    // Whoever runs the replicas starts it again.
    if (s.told) --told_ready_;
    ++s.life;
    launch(slot);
  }
  note();
}

std::uint64_t Pool::pulls_of(const Slot& s) const {
  if (s.state != State::kAble || worker_.poll > 0) return 0;
  if (worker_.fetch > 1) return s.in_hand == 0 ? 1 : 0;
  return static_cast<std::uint64_t>(worker_.prefetch - s.in_hand);
}

void Pool::handle(const Event& e) {
  const auto kind = static_cast<Kind>(e.tag & ((1u << kKindBits) - 1));
  if (kind == kAgain) {
    events_.pop();
    again_.push(lost_[e.slot]);
    serve_pulls();
    return;
  }
  Slot& s = slots_[e.slot];
  if ((e.tag >> kKindBits) != (s.life & kLifeMask)) {
    events_.pop();  // of an earlier incarnation
    return;
  }
  if (kind == kDone) {
    done(e);
    return;
  }
  events_.pop();
  switch (kind) {
    case kAbleNow:
      s.state = State::kAble;
      s.able_at = now_;
      take_or_wait(e.slot);
      break;
    case kTold:
      if (s.stopping) break;
      s.told = true;
      ++told_ready_;
      note();
      break;
    case kPoll:
      poll(e.slot);
      break;
    default:
      crash(e.slot);
  }
}

void Pool::advance(double until) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  while (true) {
    const double event = events_.empty() ? kNever : events_.top().at;
    const double visible = unseen_.empty() ? kNever : unseen_.front().arrival + worker_.seen_late;
    const double at = std::min({event, visible, next_arrival_});
    if (at > until || at == kNever) break;
    now_ = at;
    if (at == next_arrival_)
      arrive();
    else if (at == visible)
      become_visible();
    else
      handle(Event(events_.top()));
  }
  now_ = until;
}

QueueSample Pool::sample() const {
  QueueSample q;
  q.num_pending = queue_.size() + unseen_.size();
  q.num_ack_pending = in_hand_ + dead_hands_;
  q.delivered_consumer_seq = deliveries_ - delivery_base_;
  q.delivered_stream_seq = first_deliveries_;
  q.last_seq = arrived_;
  q.num_waiting = open_pulls_;
  if (incarnation_ > 0) q.created = std::to_string(incarnation_);
  q.redelivered_after = seconds(faults_.ack_wait);
  return q;
}

void Pool::reset_counters() {
  delivery_base_ = deliveries_;
  ++incarnation_;
}

bool Pool::finished() const {
  return next_arrival_ == std::numeric_limits<double>::infinity() && queue_.empty() && unseen_.empty() &&
         in_hand_ == 0 && dead_hands_ == 0;
}

void Pool::count_abandoned() {
  for (Ring<Message>* q : {&queue_, &unseen_})
    while (!q->empty()) waits_.add(now_ - q->pop().arrival);
  for (Slot& s : slots_) {
    while (!s.local.empty()) {
      const Message m = s.local.pop();
      if (!m.begun) waits_.add(now_ - m.arrival);
    }
  }
}

Waits Pool::take_recent() {
  Waits out = recent_;
  recent_.clear();
  return out;
}

}  // namespace docktor::sim
