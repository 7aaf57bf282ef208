#include "core/intervals.h"

#include <fmt/format.h>

#include "core/text.h"

namespace docktor {

std::string slow_checks(const ServiceSpec& spec) {
  if (!spec.objective || spec.check_interval <= spec.objective->max_wait / 2) return {};
  return fmt::format(
      "check_interval is {} and max_wait {}: messages that come between two checks are late, or replicas "
      "must "
      "stand by for them",
      short_duration(spec.check_interval), short_duration(spec.objective->max_wait));
}

std::string quicker_checks(const ServiceSpec& spec) {
  return fmt::format("leave check_interval out, and it follows from max_wait; or write {} or less",
                     short_duration(spec.objective->max_wait / 5));
}

}  // namespace docktor
