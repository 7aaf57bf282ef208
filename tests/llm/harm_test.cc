// Thresholds of every kind under bad advice, in virtual time: how many more messages are late, and the cost.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>

#include "tests/llm/engine/compare.h"

namespace docktor::test {
namespace {

// Drawn, the same for the same number everywhere: only the generator's own integers are used.
class DrawnCase {
 public:
  explicit DrawnCase(std::uint32_t seed) : random_(seed), load_{"drawn", {}} {
    draw_load();
    draw_rules();
    run.seed = seed + 1;
    run.load = &load_;
    auto& worker = run.world.worker;
    worker.service_mean = between(0.01, 0.3);
    worker.startup_mean = between(0.1, 40);
    worker.prefetch = 1 << whole(0, 4);
  }
  DrawnCase(const DrawnCase&) = delete;
  DrawnCase& operator=(const DrawnCase&) = delete;

  Comparison with(const Says& says) const { return compare(run, says); }

  sim::RunSpec run;

 private:
  double between(double a, double b) { return a + (b - a) * (random_() / 4294967296.0); }
  int whole(int a, int b) { return a + static_cast<int>(random_() % static_cast<unsigned>(b - a + 1)); }

  void draw_load() {
    constexpr double kLength = 1800;
    const double base = between(5, 400), period = between(30, 900), step = between(2, 20);
    const int shape = whole(0, 3);
    double level = base;
    for (double t = 0; t < kLength; t += step) {
      if (shape == 0)
        level = base * (1 + 0.9 * std::sin(t / period * 6.28));
      else if (shape == 1)
        level = std::fmod(t, period) < 0.3 * period ? 2.5 * base : 0.2 * base;
      else if (shape == 2)
        level = std::clamp(level * std::exp(between(-0.2, 0.2)), 0.05 * base, 5 * base);
      else
        level = whole(1, 20) == 1 ? 6 * base : 0.4 * base;
      load_.rows.push_back({t, level});
    }
    load_.rows.push_back({kLength, 0});
  }

  void draw_rules() {
    ServiceSpec& s = run.service = compared_service(false);
    s.check_interval = s.metrics_window = std::chrono::seconds(whole(2, 30));
    s.limits.min_replicas = whole(0, 1);
    s.limits.max_replicas = whole(5, 100);
    s.limits.scale_up_by = whole(1, 10);
    s.limits.scale_down_by = whole(1, 5);
    if (whole(0, 1) == 1) s.limits.cooldown_up = std::chrono::seconds(whole(0, 60));
    if (whole(0, 1) == 1) s.limits.cooldown_down = std::chrono::seconds(whole(0, 120));
    if (whole(0, 2) == 0) s.limits.stabilization = std::chrono::seconds(whole(0, 300));
    const int up = whole(10, 1000);
    s.rules->scale_up_when[0].value = up;
    s.rules->scale_down_when[0].value = whole(0, up * 6 / 10);
  }

  std::mt19937 random_;
  sim::Load load_;
};

void expect_harmless_to_thresholds(const std::function<Says(std::uint32_t)>& adviser) {
  constexpr std::uint32_t kCases = 60;
  double points = 0;
  std::uint32_t harmed = 0;
  for (std::uint32_t i = 0; i < kCases; ++i) {
    const auto c = DrawnCase(i).with(adviser(i));
    points += c.more_late_points();
    harmed += c.more_late_points() > 0.1;
    EXPECT_LE(c.cost_ratio(), 1.5) << "case " << i;
  }
  // Where the estimate of what there would be without advice is off, a burst may find one step too few.
  EXPECT_LE(harmed, kCases / 20);
  EXPECT_LT(points / kCases, 0) << "what it adds should help, on the whole";
  std::printf("%u cases, late by %.3f points on the mean, %u by more than 0.1\n", kCases, points / kCases,
              harmed);
}

TEST(Harm, ARandomAdviserDoesNone) { expect_harmless_to_thresholds(random_adviser); }
TEST(Harm, AHoarderDoesNone) {
  expect_harmless_to_thresholds([](std::uint32_t) { return Says(hoarder); });
}

}  // namespace
}  // namespace docktor::test
