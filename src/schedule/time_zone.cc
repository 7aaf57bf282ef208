#include "schedule/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <exception>
#include <vector>

#include "core/text.h"

namespace docktor {

Result<void> check_time_zone(const std::string& name) {
  try {
    static_cast<void>(date::locate_zone(name));
    return {};
  } catch (const std::exception&) {
    std::vector<std::string_view> names;
    try {
      for (const auto& zone : date::get_tzdb().zones) names.emplace_back(zone.name());
    } catch (const std::exception&) {
      return fail(ErrorCode::kInvalid, "this machine has no time zones; install the package tzdata");
    }
    const auto near = did_you_mean(name, names);
    return fail(ErrorCode::kInvalid,
                fmt::format("no time zone '{}'; {}", name,
                            near ? fmt::format("did you mean {}?", *near)
                                 : "allowed: names as Europe/Berlin, America/New_York, UTC"));
  }
}

std::string local_time_zone(std::string_view tz_variable) {
  if (tz_variable.starts_with(':')) tz_variable.remove_prefix(1);
  if (std::string named(tz_variable); !named.empty() && check_time_zone(named)) return named;
  try {
    return std::string(date::current_zone()->name());
  } catch (const std::exception&) {
    return "UTC";
  }
}

}  // namespace docktor
