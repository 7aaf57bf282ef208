// Amounts of memory, for people.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string>

#include "core/text.h"

namespace docktor {

/// "512 B", "524 KiB", "1.5 GiB".
inline std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  for (; std::abs(bytes) >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{} {}", short_number(bytes), kUnits[unit]);
}

}  // namespace docktor
