#include "schedule/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"

namespace docktor {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  int least, most;
  std::span<const std::string_view> names{};  // the first one is `least`
};
constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59},
                                           {"hour", 0, 23},
                                           {"day of the month", 1, 31},
                                           {"month", 1, 12, kMonths},
                                           {"day of the week", 0, 7, kWeekdays}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNicknames = {
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};

std::vector<std::string_view> parts(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find_first_of(separators, at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string allowed(const Field& f) {
  return fmt::format("allowed: {} to {}{}, ranges, lists and steps of these, or *", f.least, f.most,
                     f.names.empty() ? "" : fmt::format(" or {} to {}", f.names.front(), f.names.back()));
}

std::optional<int> whole(std::string_view text) {
  int v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || v < 0) return std::nullopt;
  return v;
}

std::optional<int> value(const Field& f, std::string_view text) {
  if (const auto v = whole(text)) return *v >= f.least && *v <= f.most ? v : std::nullopt;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto it = std::ranges::find(f.names, lower);
  if (it == f.names.end()) return std::nullopt;
  return f.least + static_cast<int>(it - f.names.begin());
}

// One part of a list: *, 5, 1-5, each perhaps with /2.
template <std::size_t N>
bool put_part(const Field& f, std::string_view part, std::bitset<N>& into) {
  int step = 1;
  const auto slash = part.find('/');
  const bool has_step = slash != std::string_view::npos;
  if (has_step) {
    const auto s = whole(part.substr(slash + 1));
    if (!s || *s < 1 || *s > f.most) return false;
    step = *s;
    part = part.substr(0, slash);
  }
  int from = f.least, to = f.most;
  if (part != "*") {
    const auto dash = part.find('-');
    const auto first = value(f, part.substr(0, dash));
    if (!first) return false;
    from = *first;
    to = has_step ? f.most : from;  // 5/15: from 5 on, as most implementations read it
    if (dash != std::string_view::npos) {
      const auto last = value(f, part.substr(dash + 1));
      if (!last) return false;
      to = *last;
      // sun is 0 as a beginning and 7 as an end
      if (to < from && &f == &kFields[4] && to == 0) to = 7;
    }
    if (to < from) return false;
  }
  for (int v = from; v <= to; v += step) into.set(static_cast<std::size_t>(v));
  return true;
}

template <std::size_t N>
Result<void> put_field(const Field& f, std::string_view text, std::bitset<N>& into) {
  for (const auto part : parts(text, ",")) {
    if (!put_part(f, part, into))
      return fail(ErrorCode::kInvalid, fmt::format("{} '{}' cannot be read; {}", f.name, text, allowed(f)));
  }
  return {};
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  if (text.starts_with('@')) {
    const auto* it =
        std::ranges::find(kNicknames, text, &std::pair<std::string_view, std::string_view>::first);
    if (it == kNicknames.end())
      return fail(
          ErrorCode::kInvalid,
          fmt::format("'{}' is not known; allowed: five fields, @hourly, @daily, @weekly, @monthly, @yearly",
                      text));
    text = it->second;
  }
  std::vector<std::string_view> fields;
  for (const auto part : parts(text, " \t")) {
    if (!part.empty()) fields.push_back(part);
  }
  if (fields.size() != kFields.size())
    return fail(ErrorCode::kInvalid,
                fmt::format("{} fields where five are needed: minute, hour, day of the month, month, day of "
                            "the week, as in \"0 8 * * 1-5\"",
                            fields.size()));
  Cron c;
  if (auto r = put_field(kFields[0], fields[0], c.minutes_); !r) return tl::unexpected(r.error());
  if (auto r = put_field(kFields[1], fields[1], c.hours_); !r) return tl::unexpected(r.error());
  if (auto r = put_field(kFields[2], fields[2], c.days_); !r) return tl::unexpected(r.error());
  if (auto r = put_field(kFields[3], fields[3], c.months_); !r) return tl::unexpected(r.error());
  if (auto r = put_field(kFields[4], fields[4], c.weekdays_); !r) return tl::unexpected(r.error());
  if (c.weekdays_.test(7)) c.weekdays_.set(0);
  c.any_day_ = fields[2].starts_with('*');
  c.any_weekday_ = fields[4].starts_with('*');
  if (!c.ever_comes())
    return fail(ErrorCode::kInvalid, fmt::format("day {} never comes in month {}", fields[2], fields[3]));
  return c;
}

bool Cron::ever_comes() const {
  if (!any_weekday_) return true;
  constexpr std::array<int, 13> kLongest = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (std::size_t month = 1; month < kLongest.size(); ++month) {
    if (!months_.test(month)) continue;
    for (int day = 1; day <= kLongest[month]; ++day) {
      if (days_.test(static_cast<std::size_t>(day))) return true;
    }
  }
  return false;
}

bool Cron::on(unsigned month, unsigned day, unsigned weekday) const {
  if (!months_.test(month)) return false;
  const bool by_day = days_.test(day), by_weekday = weekdays_.test(weekday);
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

bool Cron::at(int minute) const {
  return hours_.test(static_cast<std::size_t>(minute / 60)) &&
         minutes_.test(static_cast<std::size_t>(minute % 60));
}

std::optional<int> Cron::first(int from) const {
  for (int m = std::max(0, from); m < kMinutesOfDay; ++m) {
    if (at(m)) return m;
  }
  return std::nullopt;
}

std::optional<int> Cron::last(int to) const {
  for (int m = std::min(to, kMinutesOfDay - 1); m >= 0; --m) {
    if (at(m)) return m;
  }
  return std::nullopt;
}

}  // namespace docktor
