// What a list of containers and the engine's events say, without an engine.
#include "targets/compose/compose_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "targets/compose/compose_choice.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class ComposeServiceTest : public testing::TestWithParam<bool> {
 protected:
  ComposeServiceTest() { policy_ = GetParam(); }

  void list(ContainerState state) {
    std::vector<Container> all;
    for (const char* id : {"a", "b"}) {
      Container c;
      c.id = c.name = id;
      c.service = "worker";
      c.state = state;
      c.created = time_at(100);
      c.started = c.created;
      c.restarted_by_docker = policy_;
      all.push_back(c);
    }
    service.update(all, now);
  }
  void told() {
    for (const char* id : {"a", "b"})
      service.on_event({.action = "kill", .id = id, .attributes = {{"com.docker.compose.service", "worker"}}},
                       now);
  }
  // Told to end, ended, and settled: so far it reads as somebody's stop.
  void end_as_told() {
    told();
    now += 100ms;
    list(ContainerState::kExited);
    now += 2s;
    list(ContainerState::kExited);
    ASSERT_NE(service.stopped_by_hand(), "");
  }
  int current() const { return docktor::count(service.replicas(now)).current; }

  bool policy_ = false;
  Time now = time_at(1000);
  ComposeService service{"worker", 200ms, {}};
};

TEST_P(ComposeServiceTest, WhatAnEngineEndsInGoingNobodysHandHasEnded) {
  list(ContainerState::kRunning);
  end_as_told();
  const auto away = now + 1s;
  now += 10s;
  service.on_return(away, now);
  list(ContainerState::kExited);
  EXPECT_EQ(service.stopped_by_hand(), "");
  EXPECT_EQ(current(), 2);
  if (policy_) {
    EXPECT_THAT(due_starts(service, now + 5s), IsEmpty()) << "Docker has its time to start them";
  }
  EXPECT_THAT(due_starts(service, now + 11s), ElementsAre("a", "b")) << "then docktor does";
  now += 3s;
  list(ContainerState::kRunning);
  EXPECT_THAT(due_starts(service, now + 20s), IsEmpty());
  EXPECT_EQ(current(), 2);
}

TEST_P(ComposeServiceTest, ThatAContainerHadToBeKilledStandsUntilStopsAreCleanAgain) {
  list(ContainerState::kRunning);
  const auto event = [&](const char* id, const char* action, const char* signal) {
    service.on_event({.action = action,
                      .id = id,
                      .attributes = {{"com.docker.compose.service", "worker"}, {"signal", signal}}},
                     now);
  };
  const auto stop = [&](const char* id, bool in_time) {
    event(id, "kill", "15");
    if (!in_time) event(id, "kill", "9");
    event(id, "die", "");
  };
  event("a", "kill", "9");
  EXPECT_EQ(service.killed(), "") << "by somebody else";
  service.stopping("a", now);
  service.stopping("b", now);
  stop("a", false);
  stop("b", true);
  EXPECT_NE(service.killed().find("a did not end within 10s of SIGTERM and was killed"), std::string::npos)
      << service.killed();
  service.forget("a");
  service.forget("b");
  list(ContainerState::kRunning);
  EXPECT_NE(service.killed(), "");
  service.stopping("a", now);
  stop("a", true);
  EXPECT_EQ(service.killed(), "");
}

TEST_P(ComposeServiceTest, WhatAPersonStoppedBeforeStaysStopped) {
  list(ContainerState::kRunning);
  end_as_told();
  now += 1min;
  service.on_return(now - 2s, now);
  list(ContainerState::kExited);
  EXPECT_NE(service.stopped_by_hand(), "");
  EXPECT_THAT(due_starts(service, now + 1min), IsEmpty());
}

TEST_P(ComposeServiceTest, WhatAKilledEngineDoesNotStartAgainDocktorDoes) {
  list(ContainerState::kRunning);
  const auto away = now;
  now += 5s;
  service.on_return(away, now);
  list(ContainerState::kExited);
  now += 2s;
  list(ContainerState::kExited);
  EXPECT_EQ(service.stopped_by_hand(), "");
  EXPECT_EQ(current(), 2);
  EXPECT_THAT(due_starts(service, now + 11s), ElementsAre("a", "b"));
}

TEST_P(ComposeServiceTest, WhatAnEngineWasStartingAsItWasKilledStartsAgain) {
  service.update({}, now);
  for (const char* id : {"a", "b"}) {
    service.created(id, now);
    service.started(id);
  }
  const auto away = now;
  now += 5s;
  service.on_return(away, now);
  list(ContainerState::kExited);
  EXPECT_EQ(current(), 2);
  EXPECT_THAT(due_starts(service, now + 11s), ElementsAre("a", "b"));
}

TEST_P(ComposeServiceTest, WhatAReturnedEngineTellsLateOfIsNobodysStop) {
  list(ContainerState::kRunning);
  const auto away = now;
  now += 5s;
  service.on_return(away, now);
  list(ContainerState::kExited);
  for (const char* action : {"kill", "die", "stop"}) {
    for (const char* id : {"a", "b"})
      service.on_event({.action = action, .id = id, .attributes = {{"com.docker.compose.service", "worker"}}},
                       now);
  }
  now += 3s;
  list(ContainerState::kExited);
  EXPECT_EQ(service.stopped_by_hand(), "");
  EXPECT_EQ(current(), 2);
  EXPECT_THAT(due_starts(service, now + 11s), ElementsAre("a", "b"));
}

TEST_P(ComposeServiceTest, APersonsStopAfterTheEnginesReturnCounts) {
  list(ContainerState::kRunning);
  service.on_return(now, now + 3s);
  now += 3s;
  list(ContainerState::kRunning);
  now += 1s;
  end_as_told();
  EXPECT_THAT(due_starts(service, now + 1min), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutARestartPolicy, ComposeServiceTest, testing::Bool());

// Every ending that nobody ordered, by what is seen of it.
struct Ending {
  const char* name;
  bool docker_starts_it = false;  // after such an end, by its restart policy
  int exit_code = 0;
  bool oom = false;
  std::string error;
};
void PrintTo(const Ending& x, std::ostream* out) { *out << x.name; }

class EndingTest : public testing::TestWithParam<Ending> {
 protected:
  Container container(ContainerState state) const {
    Container c;
    c.id = c.name = "a";
    c.service = "worker";
    c.state = state;
    c.created = time_at(100);
    c.started = started;
    if (c.ended()) c.finished = now;
    c.restarted_by_docker = GetParam().docker_starts_it;
    c.exit_code = GetParam().exit_code;
    c.oom_killed = GetParam().oom;
    c.error = GetParam().error;
    return c;
  }
  void list(ContainerState state) { service.update({container(state)}, now); }
  void event(const char* action, const char* signal = "") {
    service.on_event({.action = action,
                      .id = "a",
                      .attributes = {{"com.docker.compose.service", "worker"}, {"signal", signal}}},
                     now);
  }
  int current() const { return docktor::count(service.replicas(now)).current; }

  Time now = time_at(1000);
  Time started = time_at(900);
  ComposeService service{"worker", 200ms, {}};
};

TEST_P(EndingTest, ThatNobodyOrderedIsStartedAgainAndNoStop) {
  list(ContainerState::kRunning);
  now += 1s;
  event("die");
  list(ContainerState::kExited);
  EXPECT_EQ(current(), 1);
  EXPECT_EQ(service.unrest(), "");
  now += 1s;
  ASSERT_THAT(due_starts(service, now), ElementsAre("a"));
  service.started("a");
  list(ContainerState::kExited);
  EXPECT_EQ(current(), 1) << "while its start is under way";
  EXPECT_EQ(service.unrest(), "");
  started = now;
  event("start");
  list(ContainerState::kRunning);
  EXPECT_EQ(current(), 1);
  EXPECT_EQ(service.stopped_by_hand(), "");
  // It ends again before anybody has seen it run.
  event("die");
  list(ContainerState::kExited);
  now += 1s;
  ASSERT_THAT(due_starts(service, now + 1min), ElementsAre("a"));
  service.started("a");
  started = now;
  list(ContainerState::kExited);
  EXPECT_EQ(current(), 1);
  EXPECT_EQ(service.unrest(), "");
  EXPECT_EQ(service.stopped_by_hand(), "");
}

TEST_P(EndingTest, ThatAPersonOrderedIsAStop) {
  list(ContainerState::kRunning);
  now += 1s;
  event("kill", "15");
  event("die");
  list(ContainerState::kExited);
  event("stop");
  now += 2s;
  list(ContainerState::kExited);
  EXPECT_NE(service.stopped_by_hand(), "");
  EXPECT_THAT(due_starts(service, now + 1min), IsEmpty());
}

TEST_P(EndingTest, AStopThatTookItsTimeIsAStop) {
  list(ContainerState::kRunning);
  event("kill", "15");
  now += 10min;  // docker stop -t 900
  event("die");
  list(ContainerState::kExited);
  EXPECT_THAT(due_starts(service, now), IsEmpty());
  event("stop");
  now += 2s;
  list(ContainerState::kExited);
  now += 2s;
  list(ContainerState::kExited);
  EXPECT_NE(service.stopped_by_hand(), "");
}

TEST_P(EndingTest, AWordToTheWorkerIsNoOrderToEnd) {
  list(ContainerState::kRunning);
  event("kill", "1");
  now += 1s;
  event("die");
  list(ContainerState::kExited);
  EXPECT_EQ(current(), 1);
  EXPECT_EQ(service.stopped_by_hand(), "");
}

TEST_P(EndingTest, WhileDocktorWasAwayIsStartedAgainUnlessItWasOrdered) {
  const auto e = [](const char* action) { return ContainerEvent{.action = action, .id = "a"}; };
  service.remember({e("start"), e("die")});
  list(ContainerState::kExited);
  EXPECT_EQ(current(), 1);
  EXPECT_EQ(service.stopped_by_hand(), "");
  ComposeService other{"worker", 200ms, {}};
  other.remember({e("kill"), e("die"), e("stop")});
  other.update({container(ContainerState::kExited)}, now);
  EXPECT_NE(other.stopped_by_hand(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Of, EndingTest,
    testing::Values(Ending{"NoPolicyDone", false, 0}, Ending{"NoPolicyCrashed", false, 3},
                    Ending{"OnFailureDone", false, 0}, Ending{"OnFailureGaveUp", false, 3},
                    Ending{"OutOfMemory", false, 137, true},
                    Ending{"AlwaysThatDockerCouldNotStart", true, 128, false, "no such file or directory"}),
    [](const auto& info) { return info.param.name; });

TEST(ComposeServiceWork, AnEndWith0AfterWorkIsNoFailureHoweverOften) {
  ComposeService service("worker", 200ms, {});
  auto now = time_at(1000);
  Container c;
  c.id = c.name = "a";
  c.service = "worker";
  for (int i = 0; i < 20; ++i) {
    c.state = ContainerState::kRunning;
    c.started = now;
    service.update({c}, now);
    now += 3s;
    c.state = ContainerState::kExited;
    c.finished = now;
    service.update({c}, now);
    EXPECT_EQ(docktor::count(service.replicas(now)).failing, 0);
    now += 600ms;
    ASSERT_THAT(due_starts(service, now), ElementsAre("a")) << i;
    service.started("a");
  }
}

TEST(ComposeServiceWork, AContainerThatWasMadeAndNeverStartedHoldsNothingUp) {
  ComposeService service("worker", 200ms, {});
  auto now = time_at(1000);
  service.update({}, now);
  Container c;
  c.id = c.name = "p-worker-1";
  c.service = "worker";
  c.state = ContainerState::kCreated;
  c.created = now;
  service.update({c}, now);
  EXPECT_NE(service.unrest(), "");
  service.compose_waits(true);
  now += 60s;
  service.update({c}, now);
  EXPECT_NE(service.unrest(), "") << "Compose waits for another service's health";
  service.compose_waits(false);
  now += 2s;
  service.update({c}, now);
  EXPECT_EQ(service.unrest(), "");
  EXPECT_EQ(service.stopped_by_hand(), "");
  EXPECT_EQ(docktor::count(service.replicas(now)).current, 0);
  EXPECT_THAT(service.take_news(), testing::Contains(testing::HasSubstr("created and never started")));
  EXPECT_THAT(reusable(service, "", ""), ElementsAre("p-worker-1"))
      << "it is started before another one is made";
}

}  // namespace
}  // namespace docktor
