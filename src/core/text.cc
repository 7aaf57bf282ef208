#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <numeric>
#include <vector>

namespace docktor {

std::string short_duration(Duration d) {
  using namespace std::chrono;
  if (d < Duration::zero()) return "-" + short_duration(-d);
  const auto ms = duration_cast<milliseconds>(d + microseconds(500)).count();
  if (ms == 0 && d > Duration::zero()) return fmt::format("{:.3g}ms", to_seconds(d) * 1e3);
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) {
    return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000)
                          : fmt::format("{:.1f}s", static_cast<double>(ms) / 1e3);
  }
  const auto s = ms / 1000;
  if (s < 3600) return s % 60 == 0 ? fmt::format("{}m", s / 60) : fmt::format("{}m{}s", s / 60, s % 60);
  const auto m = s / 60;
  return m % 60 == 0 ? fmt::format("{}h", m / 60) : fmt::format("{}h{}m", m / 60, m % 60);
}

std::string spoken_duration(Duration d) {
  if (d < Duration::zero()) return "-" + spoken_duration(-d);
  const double s = to_seconds(d);
  if (s < 0.9995) return s == 0 ? "0 s" : short_number(s * 1e3) + " ms";
  if (s < 59.95) return short_number(std::round(s * 10) / 10) + " s";
  const auto whole =
      std::chrono::duration_cast<std::chrono::seconds>(d + std::chrono::milliseconds(500)).count();
  const auto parts = [](std::int64_t big, const char* unit, std::int64_t small, const char* rest) {
    return small == 0 ? fmt::format("{} {}", big, unit) : fmt::format("{} {} {} {}", big, unit, small, rest);
  };
  if (whole < 3600) return parts(whole / 60, "min", whole % 60, "s");
  if (whole < 86400) return parts(whole / 3600, "h", whole % 3600 / 60, "min");
  return parts(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::string clock_text(Time t) {
  const auto s =
      static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count());
  std::tm tm{};
  ::localtime_r(&s, &tm);
  return fmt::format("{:02}:{:02}:{:02}", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

namespace {

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

}  // namespace

std::string short_number(double v) {
  if (!std::isfinite(v)) return "?";
  const double size = std::abs(v);
  if (size >= 1e15) return fmt::format("{:.3g}", v);
  // Decimals for three digits: 2 from 1 on, 3 from 0.1 on.
  const int before = size < 1e-9 ? 0 : static_cast<int>(std::floor(std::log10(size))) + 1;
  return without_trailing_zeros(fmt::format("{:.{}f}", v, std::clamp(3 - before, 0, 9)));
}

std::string number_beside(double v, double threshold, int least_decimals) {
  constexpr int kMostDecimals = 12;
  std::string text;
  for (int decimals = least_decimals; decimals <= kMostDecimals; ++decimals) {
    text = fmt::format("{:.{}f}", v, decimals);
    double shown = 0;
    std::from_chars(text.data(), text.data() + text.size(), shown);
    if ((shown < threshold) == (v < threshold) && (shown > threshold) == (v > threshold)) return text;
  }
  return text;
}

namespace {

std::optional<double> plain_number(std::string_view text) {
  double v = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), v, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(v)) return std::nullopt;
  return v;
}

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr std::array<Unit, 4> kUnits{{{"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 1e-3}}};

bool is_number_part(char c) { return (c >= '0' && c <= '9') || c == '.'; }

}  // namespace

namespace {

// A zero in front of further digits makes an octal number for some readers.
bool has_leading_zero(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool is_whole_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, is_digit) && !has_leading_zero(text);
}

std::optional<int> whole_number(std::string_view text, int most) {
  int n = -1;
  const auto* end = text.data() + text.size();
  const auto [at, bad] = std::from_chars(text.data(), end, n);
  return bad == std::errc() && at == end && n >= 0 && n <= most ? std::optional(n) : std::nullopt;
}

bool is_decimal_number(std::string_view text) {
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(v)) return false;
  if (text.starts_with('-')) text.remove_prefix(1);
  return !has_leading_zero(text);
}

std::optional<double> parse_seconds(std::string_view text) {
  if (text.empty() || !is_number_part(text[0])) return std::nullopt;
  if (std::ranges::all_of(text, is_number_part))
    return has_leading_zero(text) ? std::nullopt : plain_number(text);
  double total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    const auto digits =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_number_part) - text.begin());
    const auto value = plain_number(text.substr(0, digits));
    text.remove_prefix(digits);
    const auto letters = static_cast<std::size_t>(std::ranges::find_if(text, is_number_part) - text.begin());
    const auto unit = std::find_if(kUnits.begin() + static_cast<std::ptrdiff_t>(next_unit), kUnits.end(),
                                   [&](const Unit& u) { return u.name == text.substr(0, letters); });
    if (!value || unit == kUnits.end()) return std::nullopt;
    total += *value * unit->seconds;
    next_unit = static_cast<std::size_t>(unit - kUnits.begin()) + 1;
    text.remove_prefix(letters);
  }
  return total;
}

namespace {

// Damerau's distance with adjacent transpositions: "sacle" is one slip from "scale".
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before = row;
    row = next;
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
  constexpr std::size_t kMaxLength = 200;  // outside text: a longer one is no slip
  if (text.size() > kMaxLength) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const auto c : candidates) {
    const auto d = edit_distance(text, c);
    if (d < best_distance) {
      best_distance = d;
      best = std::string(c);
    }
  }
  return best;
}

std::string markup_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = 0;
    const char* from = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(from, from + 2, byte, 16).ptr == from + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

namespace {

// Behind the ? of an address a key may stand: "?queue=mail&api_key=abc" becomes "?queue=mail&api_key=***".
std::string without_keys(std::string_view url) {
  static constexpr std::array<std::string_view, 6> kSecret = {"key",  "token", "secret",
                                                              "pass", "sig",   "auth"};
  std::string out(url.substr(0, url.find('?')));
  url.remove_prefix(out.size());
  while (!url.empty()) {
    const auto part = url.substr(0, url.find('&', 1));  // with the ? or & before it
    url.remove_prefix(part.size());
    std::string name(part.substr(0, part.find('=')));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool secret =
        name.size() < part.size() &&
        std::ranges::any_of(
            kSecret, [&](std::string_view word) { return name.find(word) != std::string::npos; });
    out += secret ? fmt::format("{}=***", part.substr(0, name.size())) : std::string(part);
  }
  return out;
}

// libpq's form, "host=db password=s3cret", "password = 's 3'": each value of a password as ***.
std::string without_passwords(std::string_view text) {
  static constexpr std::string_view kWord = "password";
  const std::string_view blanks = " \t\r\n";
  std::string out;
  while (true) {
    const auto word = text.find(kWord);
    if (word == std::string_view::npos) return out.append(text);
    auto at = std::min(text.find_first_not_of(blanks, word + kWord.size()), text.size());
    if (at == text.size() || text[at] != '=') {
      out += text.substr(0, word + kWord.size());
      text.remove_prefix(word + kWord.size());
      continue;
    }
    at = std::min(text.find_first_not_of(blanks, at + 1), text.size());
    out += text.substr(0, at);
    out += "***";
    if (at < text.size() && text[at] == '\'') {
      for (++at; at < text.size() && text[at] != '\''; ++at) at += text[at] == '\\';
      text.remove_prefix(std::min(at + 1, text.size()));
    } else {
      while (at < text.size() && blanks.find(text[at]) == std::string_view::npos)
        at += text[at] == '\\' ? 2 : 1;
      text.remove_prefix(std::min(at, text.size()));
    }
  }
}

}  // namespace

std::string redacted_url(std::string_view address) {
  const bool words = address.substr(0, address.find("://")).find('=') != std::string_view::npos;
  const auto hidden = words ? without_passwords(address) : std::string(address);
  std::string_view url = hidden;
  std::string out;
  // A list of servers is separated by commas; each may carry its own credentials.
  while (true) {
    const auto comma = url.find(',');
    const auto part = url.substr(0, comma);
    const auto scheme = part.find("://");
    const auto from = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = part.rfind('@');
    if (at == std::string_view::npos || at < from)
      out += without_keys(part);
    else
      out += fmt::format("{}***@{}", part.substr(0, from), without_keys(part.substr(at + 1)));
    if (comma == std::string_view::npos) return out;
    out += ',';
    url.remove_prefix(comma + 1);
  }
}

}  // namespace docktor
