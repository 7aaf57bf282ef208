#include "core/limits.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/policy.h"

namespace docktor {

Limits::Limits(const ServiceSpec& spec) : rules_(spec), memory_(spec) {}

std::pair<int, int> Limits::bounds(const Overrides& overrides) const {
  const auto b = overrides.bounds_over(rules_.spec);
  int max = b.max;
  for (const auto* room : {&overrides.room, &overrides.host_memory, &overrides.host_cpu}) {
    if (*room) max = std::min(max, (*room)->most);
  }
  return {b.min, max};
}

Limits Limits::without_advice() const {
  Limits l = *this;
  l.memory_.put_off_until.reset();
  return l;
}

void Limits::go_on_as(const Limits& alone) {
  memory_.last_current = alone.memory_.last_current;
  memory_.ordered = alone.memory_.ordered;
  memory_.last_change = alone.memory_.last_change;
  memory_.stepped_up = alone.memory_.stepped_up;
  memory_.recommended = alone.memory_.recommended;
}

Decision Limits::apply(Time now, const Situation& situation, const Overrides& overrides,
                       Recommendation recommendation, std::optional<int> alone) {
  return limited(rules_, memory_, now, situation, overrides, std::move(recommendation), alone);
}

void Limits::save(nlohmann::json& state) const {
  if (memory_.last_current) state["last_current"] = *memory_.last_current;
  if (memory_.last_change) state["last_change"] = to_seconds(*memory_.last_change);
  if (memory_.ordered) state["ordered"] = {to_seconds(memory_.ordered->first), memory_.ordered->second};
  if (memory_.stepped_up) state["stepped_up"] = to_seconds(*memory_.stepped_up);
  if (memory_.judged) state["judged"] = to_seconds(*memory_.judged);
  if (memory_.in_hand_since) state["in_hand_since"] = to_seconds(*memory_.in_hand_since);
  if (memory_.empty_since) state["empty_since"] = to_seconds(*memory_.empty_since);
  memory_.budget.save(state["advice"]);
  if (memory_.put_off_until) state["put_off"] = {to_seconds(*memory_.put_off_until), memory_.put_off_why};
  auto& list = state["recommended"] = nlohmann::json::array();
  for (const auto& [t, n] : memory_.recommended) list.push_back({to_seconds(t), n});
}

void Limits::restore(const nlohmann::json& state, Time now) {
  const auto instant = [&](const nlohmann::json& v) -> std::optional<Time> {
    if (!v.is_number()) return std::nullopt;
    const double s = v.get<double>();
    if (!(s >= 0 && s < 9e9)) return std::nullopt;
    return std::min(now, time_at(s));  // a clock that was ahead must not freeze a cooldown
  };
  if (!state.is_object()) return;
  if (const auto it = state.find("last_current"); it != state.end() && it->is_number_integer())
    memory_.last_current = it->get<int>();
  if (const auto it = state.find("last_change"); it != state.end()) memory_.last_change = instant(*it);
  if (const auto it = state.find("stepped_up"); it != state.end()) memory_.stepped_up = instant(*it);
  if (const auto it = state.find("judged"); it != state.end()) memory_.judged = instant(*it);
  if (const auto it = state.find("in_hand_since"); it != state.end()) memory_.in_hand_since = instant(*it);
  if (const auto it = state.find("empty_since"); it != state.end()) memory_.empty_since = instant(*it);
  if (const auto it = state.find("advice"); it != state.end()) memory_.budget.restore(*it, now);
  if (const auto it = state.find("put_off"); it != state.end() && it->is_array() && it->size() == 2) {
    // It lies ahead, but no further than a clock that was set back can explain.
    const auto& until = (*it)[0];
    if (until.is_number() && until.get<double>() >= 0 && until.get<double>() < to_seconds(now) + 3600 &&
        (*it)[1].is_string()) {
      memory_.put_off_until = time_at(until.get<double>());
      memory_.put_off_why = (*it)[1].get<std::string>();
    }
  }
  const auto pair = [&](const nlohmann::json& v) -> std::optional<std::pair<Time, int>> {
    if (!v.is_array() || v.size() != 2 || !v[1].is_number_integer()) return std::nullopt;
    const auto t = instant(v[0]);
    if (!t) return std::nullopt;
    return std::pair{*t, v[1].get<int>()};
  };
  if (const auto it = state.find("ordered"); it != state.end()) memory_.ordered = pair(*it);
  if (const auto it = state.find("recommended"); it != state.end() && it->is_array()) {
    memory_.recommended.clear();
    for (const auto& v : *it) {
      if (const auto p = pair(v)) memory_.recommended.push_back(*p);
    }
  }
}

}  // namespace docktor
