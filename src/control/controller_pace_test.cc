// How often the controller asks and writes: services together, and what was learned no more often than it is worth.
#include "control/controller_test_bench.h"

namespace docktor {
namespace {

TEST_F(ControllerTest, ServicesThatBeganWithinAMomentAreAskedAtTheSameMoments) {
  std::vector<ServiceSpec> specs;
  for (const char* name : {"a", "b", "c"}) {
    clock.time += 13ms;
    specs.push_back(spec(name));
    apply(specs);
  }
  std::map<std::string, std::vector<Time>> moments;
  constexpr int kMilliseconds = 4500;
  for (int i = 0; i < kMilliseconds; ++i) {
    std::map<std::string, int> before;
    for (const auto& [name, w] : worlds) before[name] = w.reads;
    clock.time += 1ms;
    controller->step(0ns);
    for (const auto& [name, w] : worlds)
      if (w.reads > before[name]) moments[name].push_back(clock.time);
  }
  ASSERT_GE(moments["a"].size(), 4u);
  for (std::size_t n = 2; n < 4; ++n) {
    const auto last = [&](const char* name, std::size_t back) {
      return moments[name].at(moments[name].size() - back);
    };
    EXPECT_EQ(last("a", n - 1) - last("a", n), 1s) << "neither more often nor less";
    EXPECT_EQ(last("a", n), last("b", n));
    EXPECT_EQ(last("a", n), last("c", n));
  }
}

TEST_F(ControllerTest, ManyServicesAreWrittenNoMoreOftenThanFew) {
  std::vector<ServiceSpec> specs;
  for (int i = 0; i < 70; ++i) {
    const auto name = "s" + std::to_string(i);
    worlds[name].queue.num_pending = 3;
    specs.push_back(spec(name));
  }
  apply(specs);
  pass(65s);
  Duration oldest{};
  for (const auto& name : controller->names())
    oldest = std::max(oldest, clock.time - controller->find(name)->saved.value_or(time_at(1000)));
  EXPECT_GT(oldest, 40s) << "each has its turn once a minute";
  pass(60s);
  for (const auto& name : controller->names())
    EXPECT_LE(clock.time - controller->find(name)->saved.value(), 70s) << name;
}

TEST_F(ControllerTest, WhatWasLearnedIsWrittenEachMinuteAndSeldomWhereNothingHappens) {
  const auto written = [&](const char* name) {
    return state_.load(name).value("/meter/last_at"_json_pointer, std::int64_t{0});
  };
  worlds["busy"].queue.num_pending = 3;
  auto& idle = worlds["idle"].queue;
  idle.totals = {.incarnation = "x", .arrived = 5, .settled = 5};
  apply({spec("busy"), spec("idle")});
  pass(2min);
  auto of_busy = written("busy"), of_idle = written("idle");
  EXPECT_GT(of_busy, 0);
  EXPECT_GT(of_idle, 0);
  pass(2min);
  EXPECT_GT(written("busy"), of_busy);
  EXPECT_EQ(written("idle"), of_idle) << "a minute in which nothing came has nothing to teach";
  *idle.totals.arrived += 1;
  *idle.totals.settled += 1;
  pass(2min);
  EXPECT_GT(written("idle"), of_idle) << "something came";
  of_idle = written("idle");
  pass(8min);
  EXPECT_GT(written("idle"), of_idle) << "now and then all the same";
  // What a person says is not left to its turn.
  of_idle = written("idle");
  ASSERT_TRUE(controller->pause("idle", {}, "", "ann"));
  EXPECT_GT(written("idle"), of_idle);
  EXPECT_TRUE(state_.load("idle").contains("overrides"));
}

TEST_F(ControllerTest, WhereEveryReplicaFailsThatIsWhyNothingHappens) {
  apply({spec("a")});
  pass(10s);
  const auto why = [&] { return controller->status("a")[0].value("why_nothing_happens", ""); };
  EXPECT_EQ(why().find("keep failing"), std::string::npos) << why();
  worlds["a"].failing = true;
  pass(10s);
  EXPECT_EQ(why().find("1 of 1 replicas keep failing"), 0u) << why();
}

TEST_F(ControllerTest, ThatReplicasHadToBeKilledIsOneWarningAndACondition) {
  World& w = worlds["a"];
  apply({spec("a")});
  pass(10s);
  const auto conditions = [&] {
    return controller->status("a")[0].value("conditions", nlohmann::ordered_json::array()).dump();
  };
  for (int i = 0; i < 5; ++i) {
    w.killed = fmt::format("a-{} was killed: write a longer stop_grace_period", i);
    pass(10s);
  }
  EXPECT_NE(conditions().find("replicas do not end when they are told to"), std::string::npos)
      << conditions();
  EXPECT_NE(conditions().find("a-4 was killed"), std::string::npos) << conditions();
  const auto log = text.str();
  EXPECT_NE(log.find("[warning] [a] ⚠ a-0 was killed"), std::string::npos) << log;
  EXPECT_EQ(log.find("a-1 was killed"), std::string::npos) << "told once";
  w.killed.clear();
  pass(10s);
  EXPECT_EQ(conditions().find("killed"), std::string::npos) << conditions();
  EXPECT_NE(text.str().find("replicas end in time again"), std::string::npos);
}

TEST_F(ControllerTest, ReplicasThatEndAtOnceWithoutAnErrorAreTroubleWhileMessagesWait) {
  World& w = worlds["a"];
  w.replicas = w.starting = 2;
  w.at_once = 3;
  w.queue = {.num_pending = 40, .num_ack_pending = std::nullopt};
  apply({spec("a", 2)});
  const auto told = [&] {
    const auto s = controller->status("a")[0];
    return s.value("conditions", nlohmann::ordered_json::array()).dump().find("ends_at_once") !=
           std::string::npos;
  };
  pass(5s);
  EXPECT_FALSE(told()) << "that may be how such workers begin";
  pass(10s);
  EXPECT_TRUE(told());
  const auto why = controller->status("a")[0].value("why_nothing_happens", "");
  EXPECT_NE(why.find("2 of 2 replicas end with exit code 0 before they are ready"), std::string::npos) << why;
  EXPECT_NE(why.find("(40 waiting)"), std::string::npos) << why;
  // A worker that takes a message or two, and ends.
  for (int i = 0; i < 10; ++i) {
    --w.queue.num_pending;
    pass(3s);
  }
  EXPECT_FALSE(told());
  pass(15s);
  EXPECT_TRUE(told());
  w.queue.num_pending = 0;
  pass(5s);
  EXPECT_FALSE(told()) << "there is nothing to do";
  w.queue.num_pending = 40;
  pass(15s);
  EXPECT_TRUE(told());
  w.at_once = 0;
  pass(5s);
  EXPECT_FALSE(told());
}

TEST_F(ControllerTest, AnOutageThatIsToldInAnotherSentenceAtEachTryDoesNotFillTheLog) {
  apply({spec("a")});
  pass(10s);
  for (int i = 0; i < 100; ++i) {
    worlds["a"].problem = i % 2 == 0 ? "Docker does not answer" : "Docker hangs up";
    pass(1s);
  }
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    const std::string log = text.str();
    for (std::size_t at = 0; (at = log.find(what, at)) != std::string::npos; ++at) ++n;
    return n;
  };
  EXPECT_GE(count("⚠ Docker "), 1u);
  EXPECT_LE(count("⚠ Docker "), 3u) << "one a minute";
  worlds["a"].problem.clear();
  pass(3s);
  EXPECT_EQ(count("answers again"), 1u);
  worlds["a"].problem = "Docker is gone";
  pass(3s);
  EXPECT_EQ(count("⚠ Docker is gone"), 1u) << "a new one is told at once";
}

}  // namespace
}  // namespace docktor
