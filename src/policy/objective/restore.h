// Taking up saved numbers: what is missing or absurd is ignored, never an error.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/saved_time.h"
#include "core/time.h"

namespace docktor::objective {

inline void restore_number(const nlohmann::json& value, double low, double high, double& out) {
  if (!value.is_number()) return;
  const double v = value.get<double>();
  if (std::isfinite(v) && v >= low && v <= high) out = v;
}

inline void restore_number(const nlohmann::json& object, const char* key, double low, double high,
                           double& out) {
  if (const auto it = object.find(key); it != object.end()) restore_number(*it, low, high, out);
}

inline std::optional<Time> restored_time(const nlohmann::json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  return Time(Duration(value.get<std::int64_t>()));
}

}  // namespace docktor::objective
