#include "notify/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace docktor::notify {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const std::vector<EventInfo>& events() {
  static const auto all = all_events();
  return all;
}

}  // namespace

std::optional<EventInfo> event_named(std::string_view name) {
  const auto it = std::ranges::find(events(), name, &EventInfo::name);
  return it == events().end() ? std::nullopt : std::optional(*it);
}

void Watch::change(const ChannelSpec& spec) {
  spec_ = spec;
  wanted_.clear();
  for (const auto& e : events()) {
    if (e.lasts && spec.takes_event(e)) wanted_.push_back(e);
  }
  // What is not wanted any more is not told to be over, either.
  std::erase_if(tracks_, [&](const auto& t) {
    return !spec.takes_event(t.second.info) || !spec.takes_service(t.first.service);
  });
  for (auto& [key, t] : tracks_) t.settle = std::max(t.settle, spec.hold_off);
}

void Watch::restore(const EventInfo& info, const std::string& service, Time since, Time now) {
  if (!info.lasts || !spec_.takes_event(info) || !spec_.takes_service(service)) return;
  if (const auto it = tracks_.find({service, std::string(info.name)});
      it != tracks_.end() && it->second.state == State::kStanding) {
    it->second.since = since;
    return;
  }
  Track t{.info = info, .state = State::kStanding, .since = since, .held = now};
  t.settle = std::max<Duration>(spec_.hold_off, kSureAtStart);
  tracks_[{service, std::string(info.name)}] = std::move(t);
}

// `holds` is nothing where it is not known: then what stands goes on.
void Watch::see(const EventInfo& info, const std::string& service, std::optional<bool> holds,
                std::string detail, const ServiceFiguresPtr& figures, Time now) {
  const Key key{service, std::string(info.name)};
  auto it = tracks_.find(key);
  if (it == tracks_.end()) {
    if (!holds.value_or(false)) return;
    it = tracks_.emplace(key, Track{.info = info, .since = now, .settle = spec_.hold_off}).first;
  }
  Track& t = it->second;
  t.seen = holds.value_or(t.state == State::kStanding);
  if (!holds.value_or(false)) return;
  if (!detail.empty()) t.detail = std::move(detail);
  t.figures = figures;
}

void Watch::count(const ServiceFiguresPtr& f, Time now) {
  Counts& c = counts_[f->name];
  static_assert(kOutcomes[0] == "done" && kOutcomes[1] == "failed");
  const auto done = f->tally.orders[0], failed = f->tally.orders[1];
  if (!c.known) {
    c = {.dead = f->tally.dead, .dead_before = f->tally.dead, .failed = failed, .done = done};
    c.known = true;
  }
  if (f->tally.dead > c.dead) {
    if (!c.dead_at) c.dead_before = c.dead;
    c.dead_at = now;
  }
  c.dead = f->tally.dead;
  if (failed > c.failed) c.failed_at = now;
  if (done > c.done && failed == c.failed) c.failed_at.reset();
  if (f->outcome == "failed") c.failure = f->why;
  c.failed = failed;
  c.done = done;
  if (c.dead_at && now - *c.dead_at > kLasts) c.dead_at.reset();
  if (c.failed_at && now - *c.failed_at > kLasts) c.failed_at.reset();
}

std::optional<bool> Watch::silent(Counts& c, const ServiceFigures& f, Time now) const {
  if (!f.latest.queue_at || f.latest.queue_stale) return std::nullopt;
  auto& points = c.arrivals;
  if (points.empty() || now - points.back().first >= minutes(5)) points.emplace_back(now, f.tally.arrivals);
  while (points.size() > 1 && now - points.front().first > hours(25)) points.pop_front();
  // The newest point that is an hour old.
  const auto older = std::ranges::find_if(points.rbegin(), points.rend(),
                                          [&](const auto& p) { return now - p.first >= hours(1); });
  if (older == points.rend()) return false;
  const double before = older->second - points.front().second;
  return f.tally.arrivals - older->second < 1 && before > kBusy;
}

void Watch::look_at(const ServiceFiguresPtr& f, Time now) {
  count(f, now);
  Counts& c = counts_[f->name];
  for (const auto& e : wanted_) {
    if (e.name == "late") {
      std::optional<bool> late;
      if (f->max_wait && f->oldest_wait && !f->latest.queue_stale) late = *f->oldest_wait > *f->max_wait;
      if (!f->max_wait) late = false;
      see(e, f->name, late,
          late.value_or(false) ? fmt::format("the oldest has waited for {}{}, max_wait is {}",
                                             f->oldest_is_guess ? "about " : "",
                                             spoken_duration(seconds(std::min(*f->oldest_wait, 1e9))),
                                             spoken_duration(seconds(*f->max_wait)))
                               : "",
          f, now);
    } else if (e.name == "dead") {
      see(e, f->name, c.dead_at.has_value(), fmt::format("{:.0f} so far", c.dead - c.dead_before), f, now);
    } else if (e.name == "order_failed") {
      see(e, f->name, c.failed_at.has_value(), c.failure, f, now);
    } else if (e.name == "silent") {
      see(e, f->name, silent(c, *f, now), {}, f, now);
    } else if (e.name != "reload_refused") {
      const auto it = std::ranges::find(f->holdings, e.name,
                                        [](const Holding& h) { return docktor::info(h.condition).name; });
      see(e, f->name, it != f->holdings.end(), it != f->holdings.end() ? it->detail : "", f, now);
    }
  }
}

// Each track by what this look saw of it.
void Watch::move(Time now) {
  for (auto it = tracks_.begin(); it != tracks_.end();) {
    Track& t = it->second;
    const bool seen = std::exchange(t.seen, false);
    if (seen && t.state == State::kOver) {
      t.settle = now - t.ended < kAgain
                     ? std::min<Duration>(2 * std::max<Duration>(t.settle, std::chrono::seconds(1)), kLongest)
                     : spec_.hold_off;
      t.state = State::kRising;
      t.since = now;
    }
    if (seen && t.state == State::kRising && now - t.since >= spec_.hold_off) t.state = State::kStanding;
    if (seen) t.held = now;
    if (!seen && t.state == State::kRising) t.state = State::kOver;  // it did not last
    if (!seen && t.state == State::kStanding && now - t.held >= t.settle) {
      t.state = State::kOver;
      t.ended = t.held;
    }
    it = t.state == State::kOver && now - t.ended > kQuiet ? tracks_.erase(it) : std::next(it);
  }
}

void Watch::look(const Sight& sight) {
  std::set<std::string> names;
  for (const auto& f : sight.services) {
    if (!spec_.takes_service(f->name)) continue;
    names.insert(f->name);
    look_at(f, sight.now);
  }
  std::erase_if(counts_, [&](const auto& c) { return !names.contains(c.first); });
  if (const auto e = event_named("reload_refused"); spec_.takes_event(*e))
    see(*e, {}, !sight.reload_error.empty(), sight.reload_error, nullptr, sight.now);
  move(sight.now);
}

}  // namespace docktor::notify
