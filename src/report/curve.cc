#include "report/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace docktor::report {
namespace {

// Tenths of a pixel as whole numbers, so that relative steps do not add up their roundings.
long tenths(double v) { return std::lround(v * 10); }

void put(std::string& out, long v) {
  if (v % 10 == 0) {
    fmt::format_to(std::back_inserter(out), "{}", v / 10);
  } else {
    fmt::format_to(std::back_inserter(out), "{}{}.{}", v < 0 ? "-" : "", std::abs(v) / 10, std::abs(v) % 10);
  }
}

void move_to(std::string& out, long x, long y) {
  out += 'M';
  put(out, x);
  out += ' ';
  put(out, y);
}

std::size_t column_of(double x, double width, std::size_t columns) {
  const double share = width > 0 ? std::clamp(x / width, 0.0, 1.0) : 0;
  return std::min(columns - 1, static_cast<std::size_t>(share * static_cast<double>(columns)));
}

// Calls `each` with begin and end of the spots of every column that has some.
template <class F>
void by_column(const std::vector<Spot>& spots, double width, std::size_t columns, F each) {
  for (std::size_t at = 0; at < spots.size();) {
    const std::size_t column = column_of(spots[at].x, width, columns);
    std::size_t end = at + 1;
    while (end < spots.size() && column_of(spots[end].x, width, columns) == column) ++end;
    each(spots.begin() + static_cast<std::ptrdiff_t>(at), spots.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  }
}

constexpr auto kByY = [](const Spot& a, const Spot& b) { return a.y < b.y; };

}  // namespace

std::vector<Spot> thinned(const std::vector<Spot>& spots, double width, std::size_t columns) {
  if (columns == 0 || spots.size() <= 2 * columns) return spots;
  std::vector<Spot> out = {spots.front()};
  by_column(spots, width, columns, [&](auto begin, auto end) {
    auto [low, high] = std::minmax_element(begin, end, kByY);
    if (high < low) std::swap(low, high);
    if (low != spots.begin()) out.push_back(*low);
    if (high != low) out.push_back(*high);
  });
  if (out.back().x < spots.back().x) out.push_back(spots.back());
  return out;
}

Band banded(const std::vector<Spot>& spots, double width, std::size_t columns) {
  Band out;
  by_column(spots, width, columns, [&](auto begin, auto end) {
    const auto [low, high] = std::minmax_element(begin, end, kByY);
    double sum = 0;
    for (auto s = begin; s != end; ++s) sum += s->y;
    const double x = (begin->x + std::prev(end)->x) / 2;
    out.least.push_back({x, low->y});
    out.greatest.push_back({x, high->y});
    out.mean.push_back({x, sum / static_cast<double>(end - begin)});
  });
  return out;
}

double roughness(const std::vector<Spot>& spots, double height) {
  double way = 0;
  for (std::size_t i = 1; i < spots.size(); ++i) way += std::fabs(spots[i].y - spots[i - 1].y);
  return height > 0 ? way / height : 0;
}

std::string between(const std::vector<Spot>& a, const std::vector<Spot>& b) {
  std::vector<Spot> around = a;
  around.insert(around.end(), b.rbegin(), b.rend());
  return around.empty() ? "" : straight(around) + "z";
}

std::string straight(const std::vector<Spot>& spots) {
  std::string out;
  long x = 0;
  long y = 0;
  for (const Spot& s : spots) {
    const long to_x = tenths(s.x);
    const long to_y = tenths(s.y);
    if (out.empty()) {
      move_to(out, to_x, to_y);
      out += 'l';
    } else {
      put(out, to_x - x);
      if (to_y >= y) out += ' ';
      put(out, to_y - y);
      out += ' ';
    }
    x = to_x;
    y = to_y;
  }
  if (spots.size() == 1) out += "1 0";  // a dot's length, so that it can be seen
  return out;
}

std::string stepped(const std::vector<Spot>& spots) {
  std::string out;
  long y = 0;
  for (const Spot& s : spots) {
    const long to_y = tenths(s.y);
    if (out.empty()) {
      move_to(out, tenths(s.x), to_y);
    } else if (to_y != y) {
      out += 'H';
      put(out, tenths(s.x));
      out += 'V';
      put(out, to_y);
    }
    y = to_y;
  }
  if (!spots.empty()) {
    out += 'H';
    put(out, tenths(spots.back().x));
  }
  return out;
}

std::string filled(const std::vector<Spot>& spots, double base) {
  if (spots.empty()) return "";
  std::string out;
  move_to(out, tenths(spots.front().x), tenths(base));
  std::string top = stepped(spots);
  top[0] = 'L';
  out += top;
  out += 'V';
  put(out, tenths(base));
  return out + "Z";
}

}  // namespace docktor::report
