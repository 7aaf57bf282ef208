// Where replicas start too late for what they are seen to be needed for: loads that grow, and loads that
// repeat.
#include <gtest/gtest.h>

#include <cmath>

#include "policy/policies.h"
#include "sim/run.h"

namespace docktor {
namespace {

struct Outcome {
  sim::RunResult result;
  int followed = 0, decisions = 0;  // of the second half
};

// A start takes a minute. `number`: what the policy computed, followed while it is not 0.
Outcome played(const sim::Load& load, Duration max_wait, const char* number) {
  sim::RunSpec r;
  r.world.worker.startup_mean = 60;
  r.world.worker.startup_sd = 15;
  r.load = &load;
  r.service.name = "consumer";
  r.service.limits.max_replicas = 200;
  r.service.check_interval = std::chrono::seconds(5);
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{.max_wait = max_wait};
  Outcome out;
  r.watch = [&](const Input&, const Decision& d) {
    if (to_seconds(d.at) < load.length() / 2) return;
    ++out.decisions;
    for (const auto& [name, value] : d.recommendation.numbers) out.followed += name == number && value != 0;
  };
  out.result = sim::run(r, make_policy);
  return out;
}

TEST(Forecasts, ALoadThatGrowsForLongerThanAStartTakesIsMet) {
  sim::Load load{"growing", {}};
  for (double t = 0; t < 1800; t += 5) load.rows.push_back({t, 50 + 0.4 * t});
  load.rows.push_back({1800, 0});
  const auto o = played(load, std::chrono::seconds(5), "trend");
  EXPECT_GT(o.followed, o.decisions / 4);
  EXPECT_LT(o.result.over, 0.05);
  EXPECT_LT(o.result.rho, 1.35);
}

TEST(Forecasts, NothingIsFollowedOnAConstantLoad) {
  sim::Load load{"constant", {{0, 200}, {7200, 0}}};
  const auto o = played(load, std::chrono::seconds(5), "trend");
  EXPECT_LE(o.followed, o.decisions / 50);
  EXPECT_LT(o.result.over, 0.02);
}

TEST(Forecasts, ABurstEachFiveMinutesIsMetBeforeItComes) {
  sim::Load load{"bursts", {}};
  for (double t = 0; t < 7200; t += 300) {
    load.rows.push_back({t, 40});
    load.rows.push_back({t + 200, 300});
  }
  load.rows.push_back({7200, 0});
  const auto o = played(load, std::chrono::seconds(15), "rhythm");
  EXPECT_GT(o.followed, o.decisions / 2);
  EXPECT_LT(o.result.over, 0.05);
}

}  // namespace
}  // namespace docktor
