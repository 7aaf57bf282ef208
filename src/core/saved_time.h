// Points of time in a saved state: whole nanoseconds, so that a decision after a restart does not differ by a rounding.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/time.h"

namespace docktor {

inline std::int64_t saved(Time t) { return t.time_since_epoch().count(); }

/// Nothing where that is no point of time.
inline std::optional<Time> restored_time(const nlohmann::json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  return Time(Duration(value.get<std::int64_t>()));
}

/// Nothing where `state` (an object) has no such key, or something else there.
inline std::optional<Time> restored_time(const nlohmann::json& state, const char* key) {
  const auto it = state.find(key);
  return it == state.end() ? std::nullopt : restored_time(*it);
}

}  // namespace docktor
