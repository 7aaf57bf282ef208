#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/text.h"

namespace docktor::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr const char* kNone = "–";

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// The character at the text's start; overlong forms and surrogates are not valid (RFC 3629).
Character character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < n) return {};
  std::uint32_t code = first & (0x7FU >> n);
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte(i) & 0x3FU);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  const bool no_character =
      (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF || (code & 0xFFFEU) == 0xFFFEU;
  return overlong || no_character ? Character{} : Character{code, n};
}

// Also the marks that turn the direction of what follows: a name must not rearrange a line.
bool control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029;
}

// Of a number with a decimal point.
std::string without_zeros(std::string text) {
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// Whole, of at most four digits: "318", "-4,210".
std::string grouped(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  if (std::fabs(value) >= 999.5) digits.insert(digits.end() - 3, ',');
  return digits;
}

}  // namespace

std::string clean(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character(text.substr(at));
    if (c.bytes == 0 || control(c.code)) {
      out += kReplacement;
    } else {
      out += text.substr(at, c.bytes);
    }
    at += std::max<std::size_t>(c.bytes, 1);
  }
  return out;
}

std::string escaped(std::string_view text) { return markup_escaped(clean(text)); }

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character(text.substr(at));
    const bool combining = c.code >= 0x300 && c.code < 0x370;
    const bool wide = (c.code >= 0x1100 && c.code < 0x1160) || (c.code >= 0x2E80 && c.code < 0xFE00) ||
                      (c.code >= 0xFF00 && c.code < 0xFF61) || c.code >= 0x1F000;
    columns += combining ? 0 : wide ? 2 : 1;
    at += std::max<std::size_t>(c.bytes, 1);
  }
  return columns;
}

std::string cut(std::string_view text, std::size_t columns) {
  const std::string whole = clean(text);
  if (columns_of(whole) <= columns) return whole;
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < whole.size();) {
    const auto one = std::string_view(whole).substr(at, character(std::string_view(whole).substr(at)).bytes);
    used += columns_of(one);
    if (used + 1 > columns) break;
    out += one;
    at += one.size();
  }
  return out + "…";
}

std::string number(double value) {
  if (!std::isfinite(value)) return kNone;
  const double size = std::fabs(value);
  if (size == 0) return "0";
  if (size < 0.001) return value < 0 ? "-0.001" : "<0.001";
  if (size >= 1e15) return fmt::format("{:.0e}", value);
  if (size >= 9'999.5) {
    const int step = size >= 999'500'000'000 ? 4 : size >= 999'500'000 ? 3 : size >= 999'500 ? 2 : 1;
    return number(value / std::pow(1000, step)) + " kMGT"[step];
  }
  if (size >= 99.95) return grouped(value);
  const int decimals = size >= 9.995 ? 1 : size >= 0.0995 ? 2 : 3;
  return fmt::format("{:.{}f}", value, decimals);
}

std::string trimmed(double value) {
  std::string text = number(value);
  const auto point = text.find('.');
  if (point == std::string::npos || text.front() == '<') return text;
  const auto unit = text.find_first_not_of("0123456789", point + 1);
  const std::string tail = unit == std::string::npos ? "" : text.substr(unit);
  return without_zeros(text.substr(0, text.size() - tail.size())) + tail;
}

std::string ratio(double value) {
  if (!std::isfinite(value)) return kNone;
  if (std::fabs(value) >= 99.95) return number(value);
  return fmt::format("{:.{}f}", value, std::fabs(value) < 9.995 ? 2 : 1);
}

std::string span(double seconds) {
  if (!std::isfinite(seconds)) return kNone;
  if (seconds < 0.0995) return seconds < 0.0005 ? "0 s" : fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 119.5) return trimmed(seconds) + " s";
  if (seconds < 7170) return trimmed(seconds / 60) + " min";
  if (seconds < 172'500) return trimmed(seconds / 3600) + " h";
  return trimmed(seconds / 86'400) + " d";
}

std::string percent(double share) {
  if (!std::isfinite(share)) return kNone;
  return number(share * 100);
}

std::string percent_within(double over) {
  if (!std::isfinite(over)) return kNone;
  if (over <= 0) return "100";
  const int decimals = over >= 0.01 ? 1 : 2;
  const double unit = std::pow(10, decimals);
  // A hair more, so that 99.9 does not become 99.8 by its binary form.
  const double down = std::floor(100 * (1 - std::min(over, 1.0)) * unit + 1e-6) / unit;
  return without_zeros(fmt::format("{:.{}f}", std::min(down, 99.99), decimals));
}

}  // namespace docktor::report
