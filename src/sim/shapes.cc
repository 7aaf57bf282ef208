// The built-in loads: the kinds that real services see, with heights and times drawn by seed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

#include "core/text.h"
#include "sim/load.h"

namespace docktor::sim {
namespace {

// Consecutive draws of one stream, for shapes that need many.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : stream_(seed, Draw::kShape) {}
  double uniform(double low, double high) { return low + (high - low) * stream_.uniform(n_++); }
  double exponential(double mean) { return mean * stream_.exponential(n_++); }
  double normal() { return stream_.normal(n_++); }

 private:
  Stream stream_;
  std::uint64_t n_ = 0;
};

using Rows = std::vector<Row>;
constexpr double kHour = 3600;

Rows constant(double peak, Dice&) { return {{0, peak}, {2 * kHour, 0}}; }

Rows steps(double peak, Dice& dice) {
  Rows rows;
  double t = 0;
  while (t < 2 * kHour) {
    rows.push_back({t, peak * dice.uniform(0.05, 1)});
    t += dice.uniform(60, 600);
  }
  rows.push_back({t, 0});
  return rows;
}

Rows ramp(double peak, Dice& dice) {
  Rows rows;
  const double half = dice.uniform(600, 1800);
  for (double t = 0; t < 2 * half; t += 5)
    rows.push_back({t, peak * std::max(0.02, 1 - std::fabs(t / half - 1))});
  rows.push_back({2 * half, 0});
  return rows;
}

Rows onoff(double peak, Dice& dice) {
  Rows rows;
  const double low = peak * dice.uniform(0.0, 0.3);
  double t = 0;
  while (t < 2 * kHour) {
    rows.push_back({t, low});
    t += dice.uniform(120, 900);
    rows.push_back({t, peak});
    t += dice.uniform(120, 900);
  }
  rows.push_back({t, 0});
  return rows;
}

Rows spikes(double peak, Dice& dice) {
  Rows rows;
  const double low = dice.uniform(0, 1) < 0.5 ? 0 : peak * 0.02;
  double t = 0;
  while (t < 2 * kHour) {
    rows.push_back({t, low});
    t += 30 + dice.exponential(200);
    rows.push_back({t, peak * dice.uniform(0.05, 1)});
    t += dice.uniform(10, 60);
  }
  rows.push_back({t, 0});
  return rows;
}

Rows bursts(double peak, Dice& dice) {
  Rows rows;
  const double period = dice.uniform(45, 180), length = dice.uniform(5, 20);
  for (double t = 0; t < 2 * kHour; t += period) {
    rows.push_back({t, peak * 0.2});
    rows.push_back({t + period - length, peak});
  }
  rows.push_back({2 * kHour + period, 0});
  return rows;
}

Rows noisy(double peak, Dice& dice) {
  Rows rows;
  const double hold = dice.uniform(8, 40);
  double t = 0;
  for (; t < 2 * kHour; t += hold) rows.push_back({t, std::min(peak, dice.exponential(peak / 5))});
  rows.push_back({t, 0});
  return rows;
}

Rows daily(double peak, Dice& dice) {
  Rows rows;
  const double day = dice.uniform(1, 2) * kHour;
  double t = 0;
  for (; t < 3 * day; t += 20) {
    const double wave = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * t / day);
    rows.push_back({t, peak * std::max(0.02, (0.1 + 0.8 * wave) * (1 + 0.05 * dice.normal()))});
  }
  rows.push_back({t, 0});
  return rows;
}

Rows walk(double peak, Dice& dice) {
  Rows rows;
  double x = 0.3, t = 0;
  for (; t < 2 * kHour; t += 10) {
    rows.push_back({t, peak * x});
    x = std::clamp(x * std::exp(0.08 * dice.normal()), 0.02, 1.0);
  }
  rows.push_back({t, 0});
  return rows;
}

Rows flash(double peak, Dice& dice) {
  Rows rows;
  const double at = dice.uniform(600, 1800), rise = dice.uniform(1, 60), fade = dice.uniform(200, 900);
  for (double t = 0; t < 1.5 * kHour; t += 2) {
    const double x = t < at ? 0 : t < at + rise ? (t - at) / rise : std::exp(-(t - at - rise) / fade);
    rows.push_back({t, peak * (0.08 + 0.92 * x)});
  }
  rows.push_back({1.5 * kHour, 0});
  return rows;
}

Rows clumped(double peak, Dice& dice) {
  Rows rows;
  const double clump = peak / 16;
  double level = 0.3;
  double t = 0;
  for (; t < kHour; t += 1) {
    level = std::clamp(level * std::exp(0.01 * dice.normal()), 0.1, 0.6);
    int n = 0;
    for (double sum = dice.exponential(1); sum < peak * level / clump; sum += dice.exponential(1)) ++n;
    rows.push_back({t, n * clump});
  }
  rows.push_back({t, 0});
  return rows;
}

Rows sparse(double peak, Dice& dice) {
  Rows rows;
  double t = 0;
  while (t < 3 * kHour) {
    rows.push_back({t, peak * dice.uniform(0.0001, 0.003)});
    t += dice.uniform(300, 1200);
  }
  rows.push_back({t, 0});
  return rows;
}

struct Shape {
  std::string_view name;
  Rows (*make)(double peak, Dice& dice);
};
constexpr std::array<Shape, 12> kShapes{{{"constant", constant},
                                         {"steps", steps},
                                         {"ramp", ramp},
                                         {"onoff", onoff},
                                         {"spikes", spikes},
                                         {"bursts", bursts},
                                         {"noisy", noisy},
                                         {"daily", daily},
                                         {"walk", walk},
                                         {"flash", flash},
                                         {"clumped", clumped},
                                         {"sparse", sparse}}};

}  // namespace

std::string shape_names() {
  std::string names;
  for (const Shape& s : kShapes) names += fmt::format("{}{}", names.empty() ? "" : ", ", s.name);
  return names;
}

Result<Load> built_in_load(std::string_view text, std::uint64_t seed) {
  double peak = 400;
  std::string_view name = text;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    name = text.substr(0, colon);
    const auto number = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), peak);
    if (error != std::errc{} || end != number.data() + number.size() || !(peak > 0 && peak <= 1e6)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("{}: the number after the colon is the peak, above 0 and at most 1e6 messages a second",
                      text));
    }
  }
  for (const Shape& s : kShapes) {
    if (s.name != name) continue;
    Dice dice(seed);
    return Load{std::string(text), s.make(peak, dice)};
  }
  std::array<std::string_view, kShapes.size()> names;
  std::ranges::transform(kShapes, names.begin(), &Shape::name);
  const auto near = did_you_mean(name, names);
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: no such file, nor a built-in shape{}; the shapes are {}", text,
                          near ? fmt::format(" (did you mean {}?)", *near) : "", shape_names()));
}

}  // namespace docktor::sim
