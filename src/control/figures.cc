#include "control/figures.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace docktor {
namespace {

template <std::size_t N>
void count_named(const std::array<std::string_view, N>& names, std::array<std::uint64_t, N>& counts,
                 std::string_view name) {
  const auto it = std::ranges::find(names, name);
  ++counts[static_cast<std::size_t>(std::min<std::ptrdiff_t>(it - names.begin(), N - 1))];
}

float known(std::optional<double> v) {
  return v ? static_cast<float>(*v) : std::numeric_limits<float>::quiet_NaN();
}

HistoryPoint point_of(const ServiceFigures& f, Time began) {
  HistoryPoint p;
  p.t = static_cast<float>(to_seconds(f.at - began));
  const bool fresh = f.latest.queue_at && !f.latest.queue_stale;
  const auto metric = [&](Metric m) { return fresh ? f.latest.get(m) : std::nullopt; };
  p.backlog = known(metric(Metric::kQueueBacklog));
  p.rate_in = known(metric(Metric::kQueueRateIn));
  p.rate_out = known(metric(Metric::kQueueRateOut));
  p.oldest_wait = known(fresh ? f.oldest_wait : std::nullopt);
  p.current = static_cast<float>(f.counts.current);
  p.ready = static_cast<float>(f.counts.ready);
  p.target = static_cast<float>(f.wanted);
  p.min = static_cast<float>(f.bounds.min);
  p.max = static_cast<float>(f.bounds.max);
  return p;
}

}  // namespace

void Tally::sampled(const Observation& seen, WaitMeter& meter) {
  meter.observe(seen, waits);
  // A queue may tell how many lie there, and a person takes them away.
  if (const auto now = seen.get(Metric::kQueueDead)) {
    if (dead_seen) dead += std::max(0.0, *now - *dead_seen);
    dead_seen = now;
  }
  if (!seen.flow) return;
  arrivals += seen.flow->arrivals;
  settled += seen.flow->settled;
  settled_most = std::max(settled_most, settled);
}

void Tally::replicas_told(std::span<const Replica> before, std::span<const Replica> now) {
  for (const auto& r : now) {
    if (r.restarts <= 0) continue;
    const auto was = std::ranges::find(before, r.id, &Replica::id);
    if (was != before.end()) restarts += static_cast<std::uint64_t>(std::max(0, r.restarts - was->restarts));
  }
}

void Tally::decided(const Decision& d) {
  ++decisions[static_cast<std::size_t>(d.action)];
  for (const auto& l : d.limits) count_named(kLimitNames, limits, l.name);
  ++verdicts[static_cast<std::size_t>(d.verdict)];
  wakes += d.wake && d.action == Action::kScaleUp;
}

void Tally::ordered(const std::string& outcome, int from, int to, double seconds) {
  const auto it = std::ranges::find(kOutcomes, outcome);
  if (it == kOutcomes.end()) return;  // "pending": it goes on
  ++orders[static_cast<std::size_t>(it - kOutcomes.begin())];
  order_seconds.put(kOrderBuckets, seconds);
  if (outcome != "done") return;
  starts += static_cast<std::uint64_t>(std::max(0, to - from));
  stops += static_cast<std::uint64_t>(std::max(0, from - to));
}

void Board::publish(ServiceFiguresPtr figures) {
  const std::lock_guard lock(mutex_);
  Entry& e = entries_[figures->name];
  for (History* history : {&e.fine, &e.coarse}) {
    if (history->due(figures->at)) history->put(point_of(*figures, began_));
  }
  e.figures = std::move(figures);
}

void Board::keep(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  names_ = names;
  std::erase_if(entries_, [&](const auto& e) { return std::ranges::find(names, e.first) == names.end(); });
}

void Board::note(DecisionNote note) {
  const std::lock_guard lock(mutex_);
  note.number = next_note_++;
  notes_.push_back(std::move(note));
  if (notes_.size() > kMostNotes) notes_.pop_front();
}

void Board::publish(const DaemonFigures& figures) {
  const std::lock_guard lock(mutex_);
  daemon_ = figures;
}

std::vector<ServiceFiguresPtr> Board::services() const {
  const std::lock_guard lock(mutex_);
  std::vector<ServiceFiguresPtr> all;
  all.reserve(names_.size());
  for (const auto& name : names_) {
    const auto it = entries_.find(name);
    if (it != entries_.end() && it->second.figures) all.push_back(it->second.figures);
  }
  return all;
}

ServiceFiguresPtr Board::service(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : it->second.figures;
}

DaemonFigures Board::daemon() const {
  const std::lock_guard lock(mutex_);
  return daemon_;
}

std::vector<DecisionNote> Board::notes(std::uint64_t after) const {
  const std::lock_guard lock(mutex_);
  std::vector<DecisionNote> out;
  for (const auto& n : notes_) {
    if (n.number > after) out.push_back(n);
  }
  return out;
}

std::uint64_t Board::last_note() const {
  const std::lock_guard lock(mutex_);
  return next_note_ - 1;
}

double Board::idle() const {
  const auto last =
      std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(turned_.load()));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - last).count();
}

std::vector<HistoryPoint> Board::history(const std::string& name, Time from, Time to) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return {};
  const auto t0 = static_cast<float>(to_seconds(from - began_)),
             t1 = static_cast<float>(to_seconds(to - began_));
  const auto& fine = it->second.fine;
  const bool reaches = !fine.full() || fine.begin() <= t0 + static_cast<float>(to_seconds(kFine));
  std::vector<HistoryPoint> out;
  (reaches ? fine : it->second.coarse).read(t0, t1, out);
  return out;
}

}  // namespace docktor
