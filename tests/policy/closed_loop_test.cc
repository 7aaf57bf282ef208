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

// Spikes out of next to nothing, replicas that start six times as slowly as a message may wait: only standing by helps.
TEST(MaxHeadroom, IsWhatStandingByCostsAtMost) {
  const auto with = [](double max_headroom) {
    static const Load load = *sim::built_in_load("spikes", 1);
    sim::RunSpec r;
    r.load = &load;
    r.world.worker.service_mean = 0.05;
    r.world.worker.startup_mean = 30;
    r.world.worker.startup_sd = 7;
    r.service.name = "consumer";
    r.service.limits.min_replicas = 1;
    r.service.limits.max_replicas = 200;
    r.service.check_interval = r.service.sample_interval = std::chrono::seconds(1);
    r.service.queue = QueueSpec{};
    r.service.objective = ObjectiveSpec{.max_headroom = max_headroom};
    double refused = 0, kept = 100;
    r.watch = [&](const Input&, const Decision& d) {
      for (const auto& [name, value] : d.recommendation.numbers) {
        if (name == "headroom_short") refused = std::max(refused, value);
        if (name == "kept") kept = std::min(kept, value);
      }
    };
    const auto result = run(r, make_policy);
    return std::tuple{result.rho, result.over, refused, kept};
  };
  const auto [free, free_late, none_refused, all_kept] = with(1000);
  const auto [usual, usual_late, refused, kept] = with(ObjectiveSpec{}.max_headroom);
  const auto [half, half_late, half_refused, half_kept] = with(0.5);
  EXPECT_LT(usual, 8);
  EXPECT_LT(half, usual);
  EXPECT_LT(half, 4);
  EXPECT_LE(free_late, usual_late);
  EXPECT_LE(usual_late, half_late);
  EXPECT_EQ(none_refused, 0);
  EXPECT_GT(half_refused, 1) << "and how many replicas more it would take is told";
  EXPECT_LT(half_kept, 99);
  EXPECT_GE(half_refused, refused);
  EXPECT_LE(half_kept, kept);
  EXPECT_EQ(all_kept, 100) << "told only where it is refused";
}

sim::RunResult with_load(const Load& load, double start_up, double max_wait, double check,
                         double max_headroom) {
  sim::RunSpec r;
  r.load = &load;
  r.world.worker.service_mean = 0.05;
  r.world.worker.startup_mean = start_up;
  r.world.worker.startup_sd = start_up / 4;
  r.service.name = "consumer";
  r.service.limits.min_replicas = 1;
  r.service.limits.max_replicas = 100;
  r.service.sample_interval = std::chrono::seconds(1);
  r.service.check_interval = seconds(check);
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{.max_wait = seconds(max_wait), .max_headroom = max_headroom};
  return run(r, make_policy);
}

// Spikes of half a minute out of nothing, each ten minutes for six hours.
sim::RunResult with_spikes(double start_up, double max_wait, double check, double max_headroom) {
  Load load{"spikes", {{0, 0}}};
  for (int i = 1; i <= 36; ++i) {
    load.rows.push_back({600.0 * i, 150});
    load.rows.push_back({600.0 * i + 30, 0});
  }
  load.rows.push_back({37 * 600, 0});
  return with_load(load, start_up, max_wait, check, max_headroom);
}

// What a check each ten seconds sees a little too late, the replica that is there begins in time: those that would stand by
// for ten minutes cost a third more and help nobody.
TEST(Headroom, ThatHelpsNobodyIsNotPaid) {
  const auto without = with_spikes(1, 10, 10, 0),
             usual = with_spikes(1, 10, 10, ObjectiveSpec{}.max_headroom);
  EXPECT_LE(without.over, 0.001);
  EXPECT_LE(usual.over, 0.001);
  EXPECT_LE(usual.replica_seconds, 1.2 * without.replica_seconds);
}

TEST(Headroom, IsPaidWhereMessagesAreLateWithoutIt) {
  const auto without = with_spikes(3, 2, 1, 0), usual = with_spikes(3, 2, 1, ObjectiveSpec{}.max_headroom);
  EXPECT_GT(without.over, 0.03);
  EXPECT_LE(usual.over, 0.5 * without.over);
}

// What was learned of small spikes is wrong of large ones: it ends with the first of them that are late.
TEST(Headroom, ComesBackWhereSpikesGrow) {
  const auto grown = [](int small) {
    Load load{"grown", {{0, 0}}};
    for (int i = 1; i <= small + 24; ++i) {
      load.rows.push_back({600.0 * i, i <= small ? 20.0 : 300.0});
      load.rows.push_back({600.0 * i + 30, 0});
    }
    load.rows.push_back({(small + 25) * 600.0, 0});
    return load;
  };
  const double most = ObjectiveSpec{}.max_headroom;
  const auto known = with_load(grown(0), 3, 2, 1, most), surprised = with_load(grown(24), 3, 2, 1, most);
  const auto without = with_load(grown(24), 3, 2, 1, 0);
  EXPECT_LE(surprised.over, 0.8 * without.over);
  EXPECT_LE(surprised.over, known.over + 0.02);
}

}  // namespace
}  // namespace docktor
