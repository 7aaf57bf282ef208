#include "sim/contenders.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace docktor::sim {
namespace {

ServiceSpec service() {
  ServiceSpec s;
  s.name = "consumer";
  s.queue = QueueSpec{};
  s.limits = {.min_replicas = 1, .max_replicas = 12, .scale_up_by = 1, .cooldown_up = std::chrono::hours(1)};
  return s;
}

Load quarter_of_an_hour() {
  Load load = *built_in_load("noisy:120", 5);
  std::erase_if(load.rows, [](const Row& r) { return r.at > 900; });
  load.rows.push_back({901, 0});
  return load;
}

TEST(Contenders, EveryPeerWithEverySettingStaysWithinBoundsAndDecidesTheSameAgain) {
  const Load load = quarter_of_an_hour();
  for (const peers::Peer& peer : peers::all()) {
    const std::string name = peer.name == "static" ? "static:4" : peer.name;
    int moving = 0;
    for (std::size_t i = 0; i < std::max<std::size_t>(1, peer.settings.size()); ++i) {
      SCOPED_TRACE(name + " " + std::to_string(i));
      const auto c = contender(name, service(), {20, 3}, i);
      ASSERT_TRUE(c);
      std::vector<int> targets[2];
      for (auto& seen : targets) {
        RunSpec spec;
        spec.load = &load;
        spec.service = c->service;
        spec.world.faults.lose_sample = 0.05;
        spec.world.faults.crash_per_hour = 2;
        spec.world.faults.reset_per_hour = 4;
        spec.watch = [&](const Input&, const Decision& d) {
          seen.push_back(d.target);
          EXPECT_GE(d.target, 1);
          EXPECT_LE(d.target, 12);
          EXPECT_FALSE(d.recommendation.reason.empty());
        };
        const RunResult r = run(spec, c->make);
        EXPECT_GT(r.messages, 10'000u);
      }
      EXPECT_EQ(targets[0], targets[1]);
      moving += std::ranges::any_of(targets[0], [](int n) { return n != 1; });
    }
    // A few slow settings may stay at one for a quarter of an hour, a peer as a whole may not.
    EXPECT_GT(moving, 0) << name;
  }
}

TEST(Contenders, APeerHasTheBoundsButNotTheStepsOfTheService) {
  const auto c = contender("keda", service(), {20, 3});
  ASSERT_TRUE(c);
  EXPECT_EQ(c->service.limits.max_replicas, 12);
  EXPECT_EQ(c->service.limits.cooldown_up, Duration::zero());
  EXPECT_EQ(c->service.check_interval, std::chrono::seconds(1));
  EXPECT_FALSE(c->service.limits.steps_given);
  EXPECT_TRUE(c->service.objective) << "or the steps would bind, and no wait would count as too long";
}

TEST(Contenders, RulesNeedRules) {
  EXPECT_EQ(contender("rules", service(), {}).error().code, ErrorCode::kInvalid);
  ServiceSpec s = service();
  s.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"}}, {}};
  EXPECT_TRUE(contender("rules", s, {}));
  EXPECT_EQ(contender_names(s).size(), 11u);
  EXPECT_EQ(contender_names(s)[1], "rules");
  EXPECT_EQ(contender_names(service()).size(), 10u);
}

TEST(Contenders, AnUnknownNameIsNotFound) {
  const auto c = contender("knativ", service(), {});
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(c.error().message,
            "knativ: there is no such policy (did you mean knative?); the policies are objective, rules, "
            "keda, hpa, "
            "knative, flink, aws, nomad, laravel, natsbyexample, docktor, static:N");
}

}  // namespace
}  // namespace docktor::sim
