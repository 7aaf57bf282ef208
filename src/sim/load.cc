#include "sim/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

namespace docktor::sim {
namespace {

constexpr std::size_t kMaxRows = 5'000'000;
constexpr double kMaxRate = 1e7;
constexpr double kMaxSeconds = 1e9;

std::string_view trimmed(std::string_view s) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

bool read_number(std::string_view text, double& out) {
  text = trimmed(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(out);
}

// "seconds,rate": two words. "0,nan" is a row that is wrong, not a header.
bool is_header(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return false;
  const auto is_word = [](std::string_view s) {
    s = trimmed(s);
    double v = 0;
    const char first = s.empty() ? '0' : s.front();
    return (first < '0' || first > '9') && first != '-' && first != '+' && first != '.' &&
           std::from_chars(s.data(), s.data() + s.size(), v).ec != std::errc{};
  };
  return is_word(text.substr(0, comma)) && is_word(text.substr(comma + 1));
}

}  // namespace

double Load::peak() const {
  double highest = 0;
  for (const Row& r : rows) highest = std::max(highest, r.rate);
  return highest;
}

double Load::messages() const {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) sum += rows[i].rate * (rows[i + 1].at - rows[i].at);
  return sum;
}

Load begun_later(const Load& load, double seconds) {
  Load later = load;
  for (std::size_t i = 1; i < later.rows.size(); ++i) later.rows[i].at += seconds;
  return later;
}

Load part_of(const Load& load, double from, double length, double factor) {
  Load part;
  part.name = load.name;
  const double to = std::min(from + length, load.length());
  for (const Row& row : load.rows) {
    if (row.at >= to) break;
    if (row.at <= from) part.rows.clear();
    part.rows.push_back({std::max(0.0, row.at - from), row.rate * factor});
  }
  part.rows.push_back({to - from, 0});
  return part;
}

Result<Load> load_from_csv(std::istream& in, std::string name) {
  Load load;
  load.name = std::move(name);
  std::string line;
  const auto bad = [&](std::size_t number, std::string_view what) {
    return fail(ErrorCode::kInvalid, fmt::format("{}:{}: {}", load.name, number, what));
  };
  bool first = true;  // no row and no header yet, whatever comments and empty lines there were
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    const auto text = trimmed(line);
    if (text.empty() || text.front() == '#') continue;
    const bool may_be_header = std::exchange(first, false);
    const auto comma = text.find(',');
    Row row;
    const bool ok = comma != std::string_view::npos && read_number(text.substr(0, comma), row.at) &&
                    read_number(text.substr(comma + 1), row.rate);
    if (!ok) {
      if (may_be_header && is_header(text)) continue;
      return bad(number, "expected `seconds,rate`, two numbers");
    }
    if (row.at < 0 || row.at > kMaxSeconds) return bad(number, "seconds must be from 0 to 1e9");
    if (row.rate < 0 || row.rate > kMaxRate)
      return bad(number, "rate must be from 0 to 1e7 messages a second");
    if (load.rows.empty() ? row.at != 0 : row.at <= load.rows.back().at) {
      return bad(number, load.rows.empty() ? "the first row must be at 0 seconds"
                                           : "seconds must grow from row to row");
    }
    if (load.rows.size() >= kMaxRows) return bad(number, "more than 5 million rows");
    load.rows.push_back(row);
  }
  if (load.rows.size() < 2) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{}: needs at least two rows `seconds,rate`; the last one ends the trace", load.name));
  }
  return load;
}

Result<Load> load_from_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return fail(ErrorCode::kNotFound, fmt::format("{}: cannot be opened for reading", path));
  const auto slash = path.find_last_of('/');
  auto load = load_from_csv(in, path);
  if (load) {
    auto& name = load->name = path.substr(slash == std::string::npos ? 0 : slash + 1);
    if (name.ends_with(".csv")) name.resize(name.size() - 4);
  }
  return load;
}

Arrivals::Arrivals(const Load& load, ArrivalSpec spec, std::uint64_t seed)
    : rows_(&load.rows), spec_(spec), stream_(seed, Draw::kArrival) {}

double Arrivals::next() {
  if (left_in_clump_ > 0) {
    --left_in_clump_;
    return now_;
  }
  // The process is a unit-rate one on the clock of the cumulated load.
  double need = spec_.exact ? (event_ == 0 ? 0.5 : 1.0) : stream_.exponential(event_);
  ++event_;
  need *= spec_.clump;
  left_in_clump_ = spec_.clump - 1;
  const auto& rows = *rows_;
  while (row_ + 1 < rows.size()) {
    const double rate = rows[row_].rate;
    const double left = rows[row_ + 1].at - now_;
    if (rate * left > need) return now_ += need / rate;
    need -= rate * left;
    now_ = rows[++row_].at;
  }
  left_in_clump_ = 0;
  return std::numeric_limits<double>::infinity();
}

}  // namespace docktor::sim
