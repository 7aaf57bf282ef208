#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
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

std::string redacted_url(std::string_view url) {
  std::string out;
  // A list of servers is separated by commas; each may carry its own credentials.
  while (true) {
    const auto comma = url.find(',');
    const auto part = url.substr(0, comma);
    const auto scheme = part.find("://");
    const auto from = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto at = part.rfind('@');
    if (at == std::string_view::npos || at < from)
      out += part;
    else
      out += fmt::format("{}***@{}", part.substr(0, from), part.substr(at + 1));
    if (comma == std::string_view::npos) return out;
    out += ',';
    url.remove_prefix(comma + 1);
  }
}

}  // namespace docktor
