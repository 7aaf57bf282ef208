#include "schedule/schedule.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <sstream>

#include "schedule/cron.h"

namespace docktor {
namespace {

using std::chrono::minutes;
using SysMinutes = date::sys_time<minutes>;
using LocalMinutes = date::local_time<minutes>;

constexpr int kDaysAhead = 9 * 366;  // 29 February may be eight years away
constexpr int kChangesAhead = 300;
constexpr Time kNever = Time::max();

date::sys_seconds to_sys(Time t) {
  return date::sys_seconds(std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()));
}
template <class T>
Time from_sys(T t) {
  return Time(Duration(t.time_since_epoch()));
}

// An instant on the wall: what was left out is when it would have been, of two the later or the earlier.
Time instant(const date::time_zone& zone, LocalMinutes local, bool later) {
  const auto info = zone.get_info(local);
  const auto& use = info.result == date::local_info::ambiguous && later ? info.second : info.first;
  if (info.result == date::local_info::nonexistent) return from_sys(info.first.end);
  return from_sys(date::sys_seconds(local.time_since_epoch() - use.offset));
}

std::string written(const date::time_zone& zone, Time t, const char* form) {
  return date::format(form, date::make_zoned(&zone, to_sys(t)));
}

}  // namespace

struct Schedule::Entry {
  struct Window {
    Time begin{}, end{};
  };

  ScheduleEntry spec;
  Cron cron;
  const date::time_zone* zone = nullptr;

  minutes length() const { return std::chrono::ceil<minutes>(spec.length); }

  bool on(date::local_days day) const {
    const date::year_month_day d(day);
    return cron.on(static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()),
                   date::weekday(day).c_encoding());
  }

  Window window(date::local_days day, int minute) const {
    const LocalMinutes begins = day + minutes(minute);
    return {instant(*zone, begins, false), instant(*zone, begins + length(), true)};
  }

  date::local_days today(Time now) const { return date::floor<date::days>(zone->to_local(to_sys(now))); }

  // The last one that has begun, where it may not have ended.
  std::optional<Window> last(Time now) const {
    const int days = static_cast<int>(length() / minutes(Cron::kMinutesOfDay)) + 2;
    const auto today_there = today(now) + date::days(1);
    for (int i = 0; i <= days + 1; ++i) {
      const auto day = today_there - date::days(i);
      if (!on(day)) continue;
      for (auto m = cron.last(Cron::kMinutesOfDay); m; m = cron.last(*m - 1)) {
        if (const auto w = window(day, *m); w.begin <= now) return w;
      }
    }
    return std::nullopt;
  }

  // When the next one begins; never: no such day.
  Time next(Time now) const {
    const auto yesterday = today(now) - date::days(1);
    for (int i = 0; i < kDaysAhead; ++i) {
      const auto day = yesterday + date::days(i);
      if (!on(day)) continue;
      for (auto m = cron.first(0); m; m = cron.first(*m + 1)) {
        if (const auto w = window(day, *m); w.begin > now) return w.begin;
      }
    }
    return kNever;
  }
};

Schedule::Schedule(const ServiceSpec& spec) : usual_{spec.limits.min_replicas, spec.limits.max_replicas} {
  for (const auto& e : spec.schedule) {
    auto cron = Cron::parse(e.cron);
    if (!cron) continue;
    try {
      entries_.push_back(std::make_shared<const Entry>(Entry{e, *cron, date::locate_zone(e.timezone)}));
    } catch (const std::exception&) {
      continue;  // tzdata went away since the file was checked
    }
  }
}

Schedule::State Schedule::look(Time now) const {
  State s{std::nullopt, kNever};
  std::optional<int> min, max;
  std::string why;
  for (const auto& e : entries_) {
    s.until = std::min(s.until, e->next(now));
    const auto w = e->last(now);
    if (!w || now >= w->end) continue;
    s.until = std::min(s.until, w->end);
    if (e->spec.min_replicas) min = std::max(min.value_or(0), *e->spec.min_replicas);
    if (e->spec.max_replicas) max = std::max(max.value_or(0), *e->spec.max_replicas);
    why += fmt::format("{}schedule {}, until {} {}", why.empty() ? "" : "; ", e->spec.cron,
                       written(*e->zone, w->end, "%a %H:%M"), e->spec.timezone);
  }
  if (min || max) {
    Bounds b{min.value_or(usual_.min), max.value_or(usual_.max)};
    b.min = std::min(b.min, b.max);
    s.bounds = ScheduledBounds{b, std::move(why)};
  }
  return s;
}

const std::optional<ScheduledBounds>& Schedule::at(Time now) {
  if (!kept_ || now < kept_->first || now >= kept_->second.until) kept_ = {now, look(now)};
  return kept_->second.bounds;
}

std::optional<Schedule::Change> Schedule::next(Time now) const {
  const auto bounds = [this](const State& s) { return s.bounds ? s.bounds->bounds : usual_; };
  State state = look(now);
  const Bounds before = bounds(state);
  for (int i = 0; i < kChangesAhead && state.until != kNever; ++i) {
    const Time at = state.until;
    state = look(at);
    if (bounds(state) == before) continue;
    return Change{at, bounds(state), shown(at)};
  }
  return std::nullopt;
}

Result<Time> Schedule::parsed(const std::string& text) const {
  for (const char* form : {"%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    std::istringstream in(text);
    LocalMinutes local;
    in >> date::parse(form, local);
    if (in && in.peek() == std::char_traits<char>::eof() && !entries_.empty())
      return instant(*entries_.front()->zone, local, false);
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("'{}' is no date; allowed: 2026-11-30 or \"2026-11-30 08:00\"", text));
}

std::string Schedule::shown(Time t) const {
  if (entries_.empty()) return {};
  const auto& zone = *entries_.front()->zone;
  return fmt::format("{} {}", written(zone, t, "%a %F %H:%M"), zone.name());
}

Time Schedule::midnight(Time now) const {
  if (entries_.empty()) return now;
  const auto& e = *entries_.front();
  return instant(*e.zone, e.today(now), false);
}

}  // namespace docktor
