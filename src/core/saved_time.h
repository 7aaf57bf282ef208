// Points of time in a saved state: whole nanoseconds, so that a decision after a restart does not differ by a rounding.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/time.h"

namespace docktor {

inline std::int64_t saved(Time t) { return t.time_since_epoch().count(); }

/// Nothing where `state` (an object) has no such key, or something else there.
inline std::optional<Time> saved_time(const nlohmann::json& state, const char* key) {
  const auto it = state.find(key);
  if (it == state.end() || !it->is_number_integer()) return std::nullopt;
  return Time(Duration(it->get<std::int64_t>()));
}

}  // namespace docktor
