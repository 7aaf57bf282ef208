#include "core/rfc3339.h"

#include <charconv>
#include <ctime>
#include <system_error>

namespace docktor {

std::optional<Time> parse_rfc3339(std::string_view text) {
  const auto number = [&](std::size_t from, std::size_t length) -> std::optional<int> {
    if (from + length > text.size()) return std::nullopt;
    int n = 0;
    const auto* begin = text.data() + from;
    const auto [end, error] = std::from_chars(begin, begin + length, n);
    if (error != std::errc() || end != begin + length) return std::nullopt;
    return n;
  };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!year || !month || !day || !hour || !minute || !second || *year < 1970 || *year > 2200)
    return std::nullopt;
  std::tm tm{};
  tm.tm_year = *year - 1900;
  tm.tm_mon = *month - 1;
  tm.tm_mday = *day;
  tm.tm_hour = *hour;
  tm.tm_min = *minute;
  tm.tm_sec = *second;
  Duration since_epoch = std::chrono::seconds(::timegm(&tm));
  std::size_t i = 19;
  if (i < text.size() && text[i] == '.') {
    std::int64_t unit = 100'000'000;
    for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, unit /= 10) {
      since_epoch += std::chrono::nanoseconds((text[i] - '0') * unit);
    }
  }
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) {
    const auto h = number(i + 1, 2), m = number(i + 4, 2);
    if (!h || !m) return std::nullopt;
    const auto offset = std::chrono::hours(*h) + std::chrono::minutes(*m);
    since_epoch -= text[i] == '+' ? Duration(offset) : -Duration(offset);
  }
  return Time(since_epoch);
}

}  // namespace docktor
