#include "report/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/text.h"

namespace docktor::report {
namespace {

// The greatest of 1, 2, 5 times a power of ten that is at most `value`, then the next ones up.
double step_for(double range, int about) {
  const double rough = range / std::max(about, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double m : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    if (m * power >= rough * 0.999) return m * power;
  }
  return 10 * power;
}

std::vector<Tick> linear_ticks(const Scale& s, int about) {
  std::vector<Tick> out;
  const double step = step_for(s.high - s.low, about);
  const double first = std::ceil(s.low / step - 1e-9);
  for (double i = first; i * step <= s.high + step * 1e-9 && out.size() < 50; ++i)
    out.push_back({i * step, trimmed(std::fabs(i * step) < step * 1e-9 ? 0 : i * step)});
  return out;
}

std::vector<Tick> log_ticks(const Scale& s, int about) {
  const bool counts = s.kind == ScaleKind::kCounts;
  const double low = counts ? 1 : s.low;
  const double decades = std::log10(s.high / low);
  static constexpr std::array<double, 1> kOne = {1};
  static constexpr std::array<double, 2> kTwo = {1, 3};
  static constexpr std::array<double, 3> kThree = {1, 2, 5};
  static constexpr std::array<double, 7> kSeven = {1, 1.2, 1.5, 2, 3, 5, 7};
  const auto pick = [&](std::size_t n) -> const double* {
    return n == 1 ? kOne.data() : n == 2 ? kTwo.data() : n == 3 ? kThree.data() : kSeven.data();
  };
  std::size_t per = 1;
  for (const std::size_t n : {2U, 3U, 7U}) {
    if (decades * static_cast<double>(n) <= about + 0.5) per = n;
  }
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / (about + 1))));
  std::vector<Tick> out;
  if (counts) out.push_back({0, "0"});
  const int first = static_cast<int>(std::floor(std::log10(low)));
  for (int d = first; std::pow(10, d) <= s.high * 1.0001 && out.size() < 60; d += stride) {
    for (std::size_t i = 0; i < per; ++i) {
      const double v = pick(per)[i] * std::pow(10, d);
      if (v < low * 0.9999 || v > s.high * 1.0001 || (counts && v < 1)) continue;
      if (counts && v < 9 && decades > 2) continue;  // too near to 0
      out.push_back({v, trimmed(v)});
    }
  }
  return out;
}

}  // namespace

double Scale::share(double value) const {
  if (std::isnan(value)) return 0;
  const auto shape = [&](double v) {
    return kind == ScaleKind::kLinear ? v
           : kind == ScaleKind::kLog  ? std::log(std::max(v, 1e-12))
                                      : std::log1p(std::max(v, 0.0));
  };
  const double range = shape(high) - shape(low);
  if (!(range > 0)) return 0;
  return std::clamp((shape(value) - shape(low)) / range, 0.0, 1.0);
}

double Scale::at(double value) const { return from + share(value) * (to - from); }

double round_up(double value) {
  if (!(value > 0) || !std::isfinite(value)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double m : {1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0}) {
    if (m * power >= value * 0.9999) return m * power;
  }
  return 10 * power;
}

std::vector<Tick> ticks(const Scale& scale, int about) {
  if (!(scale.high > scale.low) || !std::isfinite(scale.high - scale.low)) return {};
  return scale.kind == ScaleKind::kLinear ? linear_ticks(scale, about) : log_ticks(scale, about);
}

std::vector<Tick> time_ticks(double length, int most) {
  if (!(length > 0) || !std::isfinite(length)) return {};
  static constexpr std::array<double, 24> kSteps = {
      1,    2,    5,    10,    15,    30,    60,    120,    300,    600,     900,     1200,
      1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000};
  double step = kSteps.back();
  for (const double s : kSteps) {
    if (length / s <= most) {
      step = s;
      break;
    }
  }
  while (length / step > most) step *= 2;
  if (length < kSteps.front()) step = step_for(length, most);
  const double unit = step < 60 ? 1 : step < 3600 ? 60 : step < 86'400 ? 3600 : 86'400;
  const char* name = step < 60 ? "s" : step < 3600 ? "min" : step < 86'400 ? "h" : "d";
  std::vector<Tick> out;
  for (int i = 0; i * step <= length * (1 + 1e-9); ++i)
    out.push_back({i * step, i == 0 ? "0" : fmt::format("{} {}", trimmed(i * step / unit), name)});
  return out;
}

}  // namespace docktor::report
