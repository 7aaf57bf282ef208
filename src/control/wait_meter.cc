#include "control/wait_meter.h"

#include <algorithm>
#include <limits>

namespace docktor {

void WaitMeter::begin(Time at, double backlog) {
  points_.assign(1, Point{at, backlog});
  came_ = unknown_ = backlog;
  begun_ = 0;
}

void WaitMeter::observe(const Observation& seen, WaitTotals& totals) {
  if (!seen.queue_at || (last_ && *seen.queue_at <= *last_)) return;
  const Time at = *seen.queue_at;
  const auto backlog = static_cast<double>(seen.queue.num_pending);
  backlog_ = backlog;
  if (seen.reset) seen_waiting_.clear();
  seen_waiting_.see(at, backlog);
  // Counters that move in steps have not moved yet: the next flow begins where the last one ended.
  if (last_ && !seen.flow && !seen.reset && at - *last_ < seen.queue.step) return;
  if (!last_ || !seen.flow) {
    if (last_ && seen.reset) ++totals.resets;
    without_ = seen.reset ? 0 : without_ + 1;
    begin(at, backlog);
    last_ = at;
    return;
  }
  without_ = 0;
  const Time before = *last_;
  last_ = at;
  came_ += seen.flow->arrivals;
  points_.push_back({at, came_});
  const double begun = std::clamp(came_ - backlog, begun_, came_);
  if (!seen.flow->upper_bound) count(begun_, begun, before, at, totals);
  begun_ = begun;
  while (points_.size() > 1 && points_[1].came <= begun_) points_.pop_front();
  if (points_.size() > kMostPoints) {
    std::deque<Point> half;  // the oldest and the newest stay
    for (std::size_t i = 0; i < points_.size(); i += 2) half.push_back(points_[i]);
    if (points_.size() % 2 == 0) half.push_back(points_.back());
    points_ = std::move(half);
  }
}

// Messages number `from` to `to` were begun with between the two instants, evenly.
void WaitMeter::count(double from, double to, Time begun_from, Time begun_to, WaitTotals& totals) const {
  if (to <= from) return;
  const double pace = to_seconds(begun_to - begun_from) / (to - from);
  for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
    const Point& a = points_[i];
    const Point& b = points_[i + 1];
    const double lo = std::max({from, a.came, unknown_}), hi = std::min(to, b.came);
    if (hi <= lo || b.came <= a.came) continue;
    constexpr int kParts = 4;  // of one piece: each at its own wait
    for (int part = 0; part < kParts; ++part) {
      const double x = lo + (hi - lo) * (part + .5) / kParts;
      const double arrived = to_seconds(b.at - a.at) * (x - a.came) / (b.came - a.came);
      const double begun = to_seconds(begun_from - a.at) + pace * (x - from);
      put(std::max(0.0, begun - arrived), (hi - lo) / kParts, totals);
    }
  }
}

void WaitMeter::put(double wait, double messages, WaitTotals& totals) const {
  const auto bucket = std::ranges::lower_bound(kWaitBuckets, wait) - kWaitBuckets.begin();
  totals.counts[static_cast<std::size_t>(bucket)] += messages;
  totals.sum += wait * messages;
  if (max_wait_ && wait > to_seconds(*max_wait_)) totals.late += messages;
}

double WaitMeter::oldest_at_most(Time now) const {
  const auto after = seen_waiting_.came_after(1);
  return after ? std::max(0.0, to_seconds(now - *after)) : std::numeric_limits<double>::infinity();
}

std::optional<double> WaitMeter::oldest_wait(Time now) const {
  if (!last_) return std::nullopt;
  if (backlog_ < .5) return 0;
  if (without_ > kMostWithout) return std::nullopt;
  const double most = oldest_at_most(now);
  for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
    const Point& a = points_[i];
    const Point& b = points_[i + 1];
    if (b.came <= begun_) continue;
    const double part = std::clamp((begun_ - a.came) / (b.came - a.came), 0.0, 1.0);
    return std::clamp(to_seconds(now - a.at) - part * to_seconds(b.at - a.at), 0.0, most);
  }
  return std::clamp(to_seconds(now - points_.front().at), 0.0, most);
}

}  // namespace docktor
