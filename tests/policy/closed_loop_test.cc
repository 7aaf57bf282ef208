// What must always hold of the objective policy in a closed loop (docs/objective.md): hours long, hence fewer
// cases.
#include <gtest/gtest.h>
#include <rapidcheck.h>
// after rapidcheck.h
#include <rapidcheck/gtest.h>

#include "policy/policies.h"
#include "sim/run.h"

namespace docktor {
namespace {

using sim::Load;

RC_GTEST_PROP(ObjectiveClosedLoop, AtMostOneReversalAnHourOnAConstantLoadOnceLearned, ()) {
  sim::RunSpec r;
  r.world.worker.service_mean = 1 / *rc::gen::element(5.0, 20.0, 50.0);
  r.world.worker.service_cv = *rc::gen::element(0.0, 0.3);
  r.world.worker.startup_mean = *rc::gen::element(1.0, 3.0);
  r.world.worker.startup_sd = r.world.worker.startup_mean / 4;
  const double offered = *rc::gen::inRange(1, 400) / 20.0;  // Erlang, whole ones among them
  Load load;
  load.name = "constant";
  constexpr double kHour = 3600, kLearning = 1800;
  load.rows = {{0, offered / r.world.worker.service_mean}, {kLearning + 2 * kHour, 0}};
  r.load = &load;
  r.seed = *rc::gen::arbitrary<std::uint64_t>();
  r.service.name = "consumer";
  r.service.limits.min_replicas = 1;
  r.service.limits.max_replicas = 100;
  r.service.check_interval = r.service.sample_interval = std::chrono::seconds(1);
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{};
  int direction = 0;
  std::vector<double> reversals;
  r.watch = [&](const Input& in, const Decision& d) {
    const double t = to_seconds(in.at);
    if (d.action == Action::kHold || t < kLearning || t > load.length()) return;
    const int way = d.action == Action::kScaleUp ? 1 : -1;
    if (direction != 0 && way != direction) reversals.push_back(t);
    direction = way;
  };
  const auto result = run(r, make_policy);
  RC_ASSERT(result.over <= 0.001);
  for (std::size_t i = 1; i < reversals.size(); ++i) RC_ASSERT(reversals[i] - reversals[i - 1] >= kHour);
}

// Jobs of most of a minute, some each minute: errors of what is known of such a load are wide. They must neither keep the
// replicas of a load that is gone, nor make the first messages late while nothing is known.
RC_GTEST_PROP(ObjectiveClosedLoop, LongJobsKeepTheGoalFromTheFirstAndIdleReplicasGo, ()) {
  sim::RunSpec r;
  const double job = *rc::gen::element(20.0, 50.0);
  r.world.worker.service_mean = job;
  r.world.worker.service_cv = 0.3;
  r.world.worker.startup_mean = *rc::gen::element(3.0, 10.0);
  r.world.worker.startup_sd = r.world.worker.startup_mean / 4;
  const double busy = *rc::gen::inRange(10, 25);
  constexpr double kChange = 3600, kEnd = 7200, kSettled = 1200;
  Load load;
  load.name = "less";
  load.rows = {{0, busy / job}, {kChange, busy / 3 / job}, {kEnd, 0}};
  r.load = &load;
  r.seed = *rc::gen::arbitrary<std::uint64_t>();
  r.service.name = "consumer";
  r.service.limits.min_replicas = 1;
  r.service.limits.max_replicas = 100;
  r.service.check_interval = r.service.sample_interval = std::chrono::seconds(10);
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{std::chrono::minutes(1), 0.99};
  double replicas = 0;
  int decisions = 0;
  r.watch = [&](const Input& in, const Decision& d) {
    const double t = to_seconds(in.at);
    if (t < kChange + kSettled || t > kEnd) return;
    replicas += d.current;
    ++decisions;
  };
  const auto result = run(r, make_policy);
  RC_ASSERT(result.over <= 0.01);
  RC_ASSERT(replicas / decisions <= 2 * busy / 3);
}

}  // namespace
}  // namespace docktor
