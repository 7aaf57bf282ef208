#include "control/overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "control/said.h"
#include "core/record.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string tail(const std::string& by, const std::optional<Time>& until, Duration by_wall,
                 const std::string& reason) {
  return fmt::format(" by {}{}{}", by, until ? " until " + utc_seconds(*until + by_wall) : "",
                     reason.empty() ? "" : fmt::format(" ({})", reason));
}

// Of clocks on the wall, as far as they are known to be right; and of the machine's own, which nobody sets.
template <class Override>
void put_common(json& j, const Override& o, const Clock& clock) {
  const Time now = clock.now(), wall = clock.wall();
  j["by"] = o.by;
  j["since"] = to_seconds(wall - (now - o.since));
  if (!o.until) return;
  const auto boot = clock.boot();
  j["until"] = to_seconds(wall + (*o.until - now));
  j["length"] = to_seconds(*o.until - o.since);
  if (!boot.id.empty()) j["boot"] = {boot.id, to_seconds(boot.since + (*o.until - now))};
}

// On the timeline of now.
std::optional<Time> end_of(const json& saved, const Clock& clock) {
  const auto until = said_instant(saved, "until");
  if (!until) return std::nullopt;
  const Time now = clock.now();
  const auto boot = clock.boot();
  const auto it = saved.find("boot");
  if (it != saved.end() && it->is_array() && it->size() == 2 && (*it)[0] == boot.id && (*it)[1].is_number() &&
      std::fabs((*it)[1].get<double>()) < 9e9)
    return now + (seconds((*it)[1].get<double>()) - boot.since);
  const Time end = now + (*until - clock.wall());
  const auto length = said_instant(saved, "length");
  return length ? std::min(end, now + length->time_since_epoch()) : end;
}

// False where it is no override of ours, or one that has ended.
template <class Override>
bool take_common(const json& saved, Override& o, const Clock& clock) {
  const Time now = clock.now();
  o.by = said_text(saved, "by");
  o.since = now;
  if (const auto since = said_instant(saved, "since")) o.since = std::min(now, now + (*since - clock.wall()));
  o.until = end_of(saved, clock);
  if (saved.contains("until") && !o.until) return false;
  return !o.by.empty() && (!o.until || *o.until > now);
}

}  // namespace

std::vector<std::string> StandingOverrides::texts() const {
  std::vector<std::string> out;
  if (hold) out.push_back(hold->text());
  if (bounds) out.push_back(bounds->text());
  return out;
}

std::string StandingOverrides::Hold::text() const {
  return (replicas ? fmt::format("scaled to {}", *replicas) : std::string("paused")) +
         tail(by, until, by_wall, reason);
}

std::string StandingOverrides::OtherBounds::text() const {
  return fmt::format("bounds {}..{} set", bounds.min, bounds.max) + tail(by, until, by_wall, "");
}

std::optional<Time> StandingOverrides::next_end() const {
  std::optional<Time> end;
  if (hold && hold->until) end = hold->until;
  if (bounds && bounds->until && (!end || *bounds->until < *end)) end = bounds->until;
  return end;
}

std::vector<std::string> StandingOverrides::expire(Time now) {
  std::vector<std::string> ended;
  if (hold && hold->until && *hold->until <= now) {
    ended.push_back(hold->text());
    hold.reset();
  }
  if (bounds && bounds->until && *bounds->until <= now) {
    ended.push_back(bounds->text());
    bounds.reset();
  }
  return ended;
}

void StandingOverrides::add_to(Overrides& o) const {
  if (hold) {
    o.held = hold->text();
    o.replicas = hold->replicas;
  }
  if (bounds) o.bounds = bounds->bounds;
}

void StandingOverrides::tell_by(Duration by_wall) {
  if (hold) hold->by_wall = by_wall;
  if (bounds) bounds->by_wall = by_wall;
}

json StandingOverrides::save(const Clock& clock) const {
  json j = json::object();
  if (hold) {
    auto& h = j["hold"] = json::object();
    put_common(h, *hold, clock);
    if (hold->replicas) h["replicas"] = *hold->replicas;
    if (!hold->reason.empty()) h["reason"] = hold->reason;
  }
  if (bounds) {
    auto& b = j["bounds"] = {{"min_replicas", bounds->bounds.min}, {"max_replicas", bounds->bounds.max}};
    put_common(b, *bounds, clock);
  }
  return j;
}

StandingOverrides StandingOverrides::restore(const json& saved, const Clock& clock) {
  StandingOverrides o;
  if (!saved.is_object()) return o;
  if (const auto it = saved.find("hold"); it != saved.end() && it->is_object()) {
    Hold h;
    h.replicas = said_count(*it, "replicas");
    h.reason = said_text(*it, "reason");
    if (take_common(*it, h, clock) && it->contains("replicas") == h.replicas.has_value())
      o.hold = std::move(h);
  }
  if (const auto it = saved.find("bounds"); it != saved.end() && it->is_object()) {
    OtherBounds b;
    const auto min = said_count(*it, "min_replicas"), max = said_count(*it, "max_replicas");
    if (min && max && *min <= *max && *max > 0 && take_common(*it, b, clock)) {
      b.bounds = {*min, *max};
      o.bounds = std::move(b);
    }
  }
  return o;
}

ordered_json StandingOverrides::shown(Time now) const {
  auto list = ordered_json::array();
  const auto add = [&](const char* kind, const auto& o) {
    ordered_json j = {
        {"override", kind}, {"text", o.text()}, {"by", o.by}, {"since", utc_seconds(o.since + o.by_wall)}};
    if (o.until) {
      j["until"] = utc_seconds(*o.until + o.by_wall);
      j["ends_in"] = to_seconds(*o.until - now);
    }
    return j;
  };
  if (hold) {
    auto j = add(hold->replicas ? "scale" : "pause", *hold);
    if (hold->replicas) j["replicas"] = *hold->replicas;
    list.push_back(std::move(j));
  }
  if (bounds) {
    auto j = add("set_bounds", *bounds);
    j["min_replicas"] = bounds->bounds.min;
    j["max_replicas"] = bounds->bounds.max;
    list.push_back(std::move(j));
  }
  return list;
}

}  // namespace docktor
