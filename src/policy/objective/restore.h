// Taking up saved numbers: what is missing or absurd is ignored, never an error.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/saved_time.h"

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

}  // namespace docktor::objective
