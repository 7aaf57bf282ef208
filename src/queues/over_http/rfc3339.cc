#include "queues/over_http/rfc3339.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace docktor {

std::optional<double> parse_rfc3339(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  if (text.size() > 40 ||
      std::sscanf(text.c_str(), "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%n", &year, &month, &day, &hour, &minute,
                  &used) != 5 ||
      used == 0)
    return std::nullopt;
  char* end = nullptr;
  const char* from = text.c_str() + used;
  if (*from < '0' || *from > '9') return std::nullopt;
  second = std::strtod(from, &end);
  int east = 0;  // minutes
  const std::string zone = end;
  if (zone != "Z" && zone != "z") {
    int h = 0, m = 0, all = 0;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') ||
        std::sscanf(zone.c_str() + 1, "%2d:%2d%n", &h, &m, &all) != 2 || all != 5 || h < 0 || h > 23 ||
        m < 0 || m > 59)
      return std::nullopt;
    east = (zone[0] == '-' ? -1 : 1) * (60 * h + m);
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 61))
    return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return 86400.0 * static_cast<double>(days) + 3600.0 * hour + 60.0 * (minute - east) + second;
}

}  // namespace docktor
