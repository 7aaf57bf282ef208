// Values of what people said, from a file or another docktor: what is missing, damaged or absurd is not there.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/json_text.h"
#include "core/time.h"

namespace docktor {

/// Without what a terminal would obey, 4,096 bytes at most; empty where there is none.
inline std::string said_text(const nlohmann::json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_string() ? plain_text(it->get<std::string>().substr(0, 4096)) : "";
}

/// A number of replicas, a million at most.
inline std::optional<int> said_count(const nlohmann::json& j, const char* key) {
  const auto it = j.find(key);
  if (it == j.end() || !it->is_number_integer()) return std::nullopt;
  const auto n = it->get<std::int64_t>();  // beyond its range it is negative
  return n >= 0 && n <= 1'000'000 ? std::optional(static_cast<int>(n)) : std::nullopt;
}

/// Seconds since 1970, before the year 2255.
inline std::optional<Time> said_instant(const nlohmann::json& j, const char* key) {
  const auto it = j.find(key);
  if (it == j.end() || !it->is_number()) return std::nullopt;
  const double s = it->get<double>();
  return s >= 0 && s < 9e9 ? std::optional(time_at(s)) : std::nullopt;
}

}  // namespace docktor
