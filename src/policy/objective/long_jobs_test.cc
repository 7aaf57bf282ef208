// Jobs that take seconds: what is in hand keeps replicas, unless nobody works on it.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/meter.h"
#include "policy/objective/objective.h"

namespace docktor {
namespace {

ServiceSpec spec() {
  ServiceSpec s;
  s.limits.min_replicas = 0;
  s.limits.max_replicas = 20;
  s.check_interval = s.sample_interval = std::chrono::seconds(1);
  s.queue = QueueSpec{};
  s.objective = ObjectiveSpec{};
  return s;
}

// A queue as samples show it, one a second.
struct Scene {
  explicit Scene(int replicas) : counts{.current = replicas, .ready = replicas} {}

  // `came`, `taken`, `done` since the sample before.
  void sample(int came, int taken, int done) {
    arrived += came;
    delivered += taken;
    settled += done;
    now += std::chrono::seconds(1);
    Input in;
    in.at = now;
    in.replicas = counts;
    auto& q = in.queue.emplace();
    q.num_pending = static_cast<std::uint64_t>(arrived - delivered);
    q.num_ack_pending = static_cast<std::uint64_t>(delivered - settled + dead);
    q.totals.incarnation = "1";
    q.totals.arrived = static_cast<std::uint64_t>(arrived);
    q.totals.delivered = static_cast<std::uint64_t>(delivered);
    q.totals.settled = static_cast<std::uint64_t>(settled);
    policy.observe(*meter.observe(in));
    wanted = policy.recommend({now, counts, meter.latest(now), meter.mean(now)}).wanted;
  }

  const ServiceSpec s = spec();
  ObjectivePolicy policy{s};
  Meter meter{s.metrics_window, s.stale_after()};
  Time now = time_at(1000);
  ReplicaCounts counts;
  int arrived = 0, delivered = 0, settled = 0;
  int dead = 0;  // messages in hands that do not work
  int wanted = 0;
};

// A job of three seconds each ten.
void work(Scene& scene, int seconds) {
  for (int t = 0; t < seconds; ++t) scene.sample(t % 10 == 0, t % 10 == 0, t % 10 == 3);
}

TEST(LongJobs, MessagesThatNobodyTookLatelyKeepNoReplica) {
  Scene scene(1);
  work(scene, 600);
  scene.counts = {.current = 6, .ready = 6};
  scene.dead = 5;  // their workers died, and nobody claims them
  int least = scene.counts.current;
  for (int t = 0; t < 40; ++t) {
    scene.sample(0, 0, 0);
    least = std::min(least, scene.wanted);
  }
  EXPECT_LE(least, 3);
}

// As it stands in a group of Redis where no worker claims what a dead one held: it is no job that takes for ever.
TEST(LongJobs, AMessageInDeadHandsTeachesNothingOfTheOthers) {
  const auto wanted = [](int dead, bool restart) {
    Scene scene(1);
    work(scene, 300);
    scene.dead = dead;
    for (int t = 0; t < 1800; ++t) scene.sample(0, 0, 0);
    if (restart) {
      nlohmann::json state;
      scene.policy.save(state);
      scene.policy.restore(state);
    }
    work(scene, 30);
    scene.sample(4, 1, 0);
    return scene.wanted;
  };
  const int alive = wanted(0, false);
  EXPECT_LE(alive, 5);
  EXPECT_LE(wanted(1, false), alive + 1);
  EXPECT_LE(wanted(1, true), alive + 1);
}

// Jobs that take a hundred times as long as those before look like dead hands, until messages wait beside them.
TEST(LongJobs, ThatOnlyTakeVeryLongAreNotTakenForDeadOnceMessagesWait) {
  for (const int alone : {0, 200}) {  // seconds for which nothing waits
    Scene scene(2);
    for (int t = 0; t < 300; ++t) scene.sample(t % 2, t % 2, t % 2 == 0 && t > 0);
    scene.sample(2, 2, 1);
    for (int t = 0; t < alone; ++t) scene.sample(0, 0, 0);
    for (int t = 0; t < 90; ++t) scene.sample(t % 10 == 0, 0, 0);
    EXPECT_GE(scene.wanted, 8) << "nine wait, and nobody is free; after " << alone << " s";
  }
}

TEST(LongJobs, WhoHasOneStaysAndGoesWhenItIsDone) {
  Scene scene(1);
  work(scene, 300);
  scene.counts = {.current = 6, .ready = 6};
  scene.sample(6, 6, 0);
  for (int t = 0; t < 3; ++t) {
    scene.sample(0, 0, 0);
    EXPECT_EQ(scene.wanted, 6) << t;
  }
  scene.sample(0, 0, 6);
  work(scene, 60);
  EXPECT_LE(scene.wanted, 2);
}

TEST(LongJobs, WhatWasUnusedBeforeAGapIsNotUnusedSince) {
  Scene scene(5);
  for (int t = 0; t < 600; ++t) scene.sample(2, 2, t < 2 ? 0 : 2);  // four at work all the time
  const int before = scene.wanted;
  EXPECT_GE(before, 4);
  scene.now += std::chrono::minutes(2);
  scene.sample(0, 0, 4);
  for (int t = 0; t < 20; ++t) scene.sample(0, 0, 0);
  EXPECT_GE(scene.wanted, before - 1) << "twenty seconds without a message are no proof";
}

TEST(LongJobs, WhatTheFirstHaveTakenSoFarOutlivesARestart) {
  Scene scene(1);
  scene.sample(1, 1, 0);
  for (int t = 0; t < 30; ++t) scene.sample(0, 0, 0);
  nlohmann::json state;
  scene.policy.save(state);
  EXPECT_EQ(state["unfinished"], 30);
  ObjectivePolicy again(scene.s);
  again.restore(state);
  nlohmann::json same;
  again.save(same);
  EXPECT_EQ(same, state);
}

}  // namespace
}  // namespace docktor
