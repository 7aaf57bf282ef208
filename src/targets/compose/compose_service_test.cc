// What a list of containers and the engine's events say, without an engine.
#include "targets/compose/compose_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  if (policy_) EXPECT_THAT(service.due_starts(now + 5s), IsEmpty()) << "Docker has its time to start them";
  EXPECT_THAT(service.due_starts(now + 11s), ElementsAre("a", "b")) << "then docktor does";
  now += 3s;
  list(ContainerState::kRunning);
  EXPECT_THAT(service.due_starts(now + 20s), IsEmpty());
  EXPECT_EQ(current(), 2);
}

TEST_P(ComposeServiceTest, WhatAPersonStoppedBeforeStaysStopped) {
  list(ContainerState::kRunning);
  end_as_told();
  now += 1min;
  service.on_return(now - 2s, now);
  list(ContainerState::kExited);
  EXPECT_NE(service.stopped_by_hand(), "");
  EXPECT_THAT(service.due_starts(now + 1min), IsEmpty());
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
  EXPECT_THAT(service.due_starts(now + 11s), ElementsAre("a", "b"));
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
  EXPECT_THAT(service.due_starts(now + 11s), ElementsAre("a", "b"));
}

TEST_P(ComposeServiceTest, APersonsStopAfterTheEnginesReturnCounts) {
  list(ContainerState::kRunning);
  service.on_return(now, now + 3s);
  now += 3s;
  list(ContainerState::kRunning);
  now += 1s;
  end_as_told();
  EXPECT_THAT(service.due_starts(now + 1min), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutARestartPolicy, ComposeServiceTest, testing::Bool());

}  // namespace
}  // namespace docktor
