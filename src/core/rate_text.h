// How many messages a second, for people.
#pragma once

#include <cmath>
#include <string>

#include "core/text.h"

namespace docktor {

/// "60 msg/s", "3.2 msg/min", "0.72 msg/h": three digits, in the largest unit that does not hide the number.
inline std::string rate_text(double per_second) {
  const double size = std::abs(per_second);
  if (!(size > 0) || size >= 0.1) return short_number(per_second) + " msg/s";
  if (size * 60 >= 0.1) return short_number(per_second * 60) + " msg/min";
  return short_number(per_second * 3600) + " msg/h";
}

}  // namespace docktor
