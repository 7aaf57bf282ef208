// What somebody else does to the service: it is noticed at once, told, and respected.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class SomebodysHand : public testing::Test {
 protected:
  SomebodysHand()
      : stack_("services:\n" + sleeper("worker", "    restart: unless-stopped\n") + sleeper("plain") +
               sleeper("other")) {}
  bool stopped(Scaler& s) {
    return eventually(
        [&] { return s.report().stopped_by_hand.starts_with("scaled to 0 outside docktor at "); });
  }
  Docker docker_;
  Stack stack_;
};

TEST_F(SomebodysHand, AChangeWithinBoundsIsTold) {
  stack_.up();
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  stack_.up("--scale worker=3");
  ASSERT_TRUE(s.ready(3));
  EXPECT_TRUE(s.heard("somebody started"));
  must(fmt::format("docker stop -t 0 {}-worker-2", stack_.project()));
  ASSERT_TRUE(s.ready(2));
  EXPECT_TRUE(s.heard("somebody stopped " + stack_.project() + "-worker-2: 3 → 2"));
  must(fmt::format("docker rm -f {}-worker-3", stack_.project()));
  ASSERT_TRUE(s.ready(1));
  EXPECT_EQ("", s.report().stopped_by_hand);
}

TEST_F(SomebodysHand, ADeploymentKeepsTheNumberOfReplicas) {
  const auto file = [](const char* version) {
    return "services:\n" + sleeper("worker", fmt::format("    environment: {{VERSION: '{}'}}\n", version));
  };
  Stack stack(file("1"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(4));
  ASSERT_TRUE(s.ready(4));
  stack.write(file("2"));
  stack.up();  // leaves one
  ASSERT_TRUE(s.heard("worker had 4 replicas before they were replaced: started 3"));
  ASSERT_TRUE(s.ready(4));
  for (const auto& c : stack.containers("worker"))
    EXPECT_EQ("2", must("docker exec " + c + " sh -c 'echo $VERSION'"));
  // A person's number is one.
  stack.up("--scale worker=2");
  ASSERT_TRUE(s.ready(2));
  EXPECT_EQ(2u, stack.containers("worker").size());
}

TEST_F(SomebodysHand, ScaleToZeroLeavesTheServiceAloneUntilAReplicaAppears) {
  stack_.up();
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_EQ(0, stack_.compose("scale worker=0").code);
  ASSERT_TRUE(stopped(s));
  EXPECT_EQ("", s.report().problem);
  ASSERT_EQ(0, stack_.compose("scale worker=1").code);
  ASSERT_TRUE(s.ready(1));
  EXPECT_EQ("", s.report().stopped_by_hand);
  EXPECT_THAT(s.news(), HasSubstr("running again"));
}

TEST_F(SomebodysHand, StopLeavesTheServiceAloneWithAndWithoutARestartPolicy) {
  stack_.up();
  Scaler a(stack_, "worker", docker_), b(stack_, "plain", docker_);
  ASSERT_TRUE(a.ready(1) && b.ready(1));
  ASSERT_EQ(0, stack_.compose("stop -t 0 worker plain").code);
  ASSERT_TRUE(stopped(a) && stopped(b));
  EXPECT_EQ(0, stack_.running("worker") + stack_.running("plain"));
  ASSERT_EQ(0, stack_.compose("start worker").code);
  ASSERT_TRUE(a.ready(1));
  EXPECT_NE("", b.report().stopped_by_hand);
}

TEST_F(SomebodysHand, IsRememberedOverARestartOfDocktor) {
  stack_.up();
  {
    Scaler s(stack_, "worker", docker_);
    ASSERT_TRUE(s.ready(1));
    ASSERT_EQ(0, stack_.compose("scale worker=0").code);
    ASSERT_TRUE(stopped(s));
  }
  Scaler s(stack_, "worker", docker_);
  EXPECT_NE("", s.report().stopped_by_hand) << "known before Docker was asked";
  ASSERT_TRUE(eventually([&] { return s.report().problem.empty(); }));
  EXPECT_NE("", s.report().stopped_by_hand);
}

TEST_F(SomebodysHand, IsSeenAlsoWhereItHappenedWhileDocktorWasAway) {
  stack_.up();
  {
    Scaler s(stack_, "worker", docker_);
    ASSERT_TRUE(s.ready(1));
  }
  ASSERT_EQ(0, stack_.compose("stop -t 0 worker").code);
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(stopped(s));
}

TEST_F(SomebodysHand, ResumeMakesReplicasPossibleAgain) {
  stack_.up();
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_EQ(0, stack_.compose("scale worker=0").code);
  ASSERT_TRUE(stopped(s));
  s.target().resume();
  ASSERT_TRUE(eventually([&] { return s.report().stopped_by_hand.empty(); }));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
}

TEST_F(SomebodysHand, DownIsNotUndone) {
  stack_.up();
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_EQ(0, stack_.compose("down -t 0").code);
  ASSERT_TRUE(stopped(s));
  stack_.up();
  ASSERT_TRUE(s.ready(1));
}

TEST_F(SomebodysHand, ARedeploymentIsNoStop) {
  stack_.up();
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
  stack_.write("services:\n" + sleeper("worker", "    environment: {VERSION: '2'}\n") + sleeper("plain") +
               sleeper("other"));
  const auto r = stack_.compose("up -d -t 0 --scale worker=3 worker");
  ASSERT_EQ(0, r.code) << r.out;
  ASSERT_TRUE(s.ready(3));
  EXPECT_THAT(s.news(), Not(HasSubstr("scaled to 0 outside docktor")));
  ASSERT_TRUE(s.scale(4));
  ASSERT_TRUE(s.ready(4));
  EXPECT_THAT(stack_.inspect(stack_.project() + "-worker-4")["Config"]["Env"].dump(), HasSubstr("VERSION=2"))
      << "a clone has the newest configuration that was deployed";
}

TEST_F(SomebodysHand, APlainUpInTheMidstOfScalingIsToldAndScalingGoesOn) {
  stack_.up();
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  auto order = std::async(std::launch::async, [&] { return s.scale(4); });
  const auto up = stack_.compose("up -d -t 0");  // as many as the file says: one
  (void)order.get().has_value();
  // An engine has no lock for a project: Compose may start a container that has gone since it looked, and says so.
  EXPECT_TRUE(up.code == 0 || up.out.find("No such container") != std::string::npos) << up.out;
  // Whichever of the two came last, the next order is obeyed, and nobody took it for a stop.
  ASSERT_TRUE(eventually([&] { return s.report().problem.empty() && s.scale(3).has_value(); }));
  ASSERT_TRUE(s.ready(3));
  stack_.up("-t 0");
  ASSERT_TRUE(s.ready(1));
  EXPECT_THAT(s.news(), HasSubstr(": 3 → 1"));
  EXPECT_THAT(s.news(), Not(HasSubstr("scaled to 0 outside docktor")));
  EXPECT_EQ(1u, stack_.containers("worker", "-a").size()) << "nothing half made is left";
}

TEST_F(SomebodysHand, APausedReplicaStaysAndIsTold) {
  stack_.up("--scale worker=2");
  Scaler s(stack_, "worker", docker_);
  ASSERT_TRUE(s.ready(2));
  const auto second = stack_.project() + "-worker-2";
  must("docker pause " + second);
  ASSERT_TRUE(eventually([&] {
    return std::ranges::any_of(s.report().replicas, [&](const Replica& r) {
      return r.id == second && r.state == ReplicaState::kStarting && r.note == "paused by hand";
    });
  }));
  EXPECT_EQ(2, count(s.report().replicas).current);
  must("docker unpause " + second);
  ASSERT_TRUE(s.ready(2));
  must("docker pause " + second);
  ASSERT_TRUE(s.scale(0));
  ASSERT_TRUE(s.ready(0)) << "one that is paused can be removed, too";
}

TEST_F(SomebodysHand, ARestartByTheUserIsNoStop) {
  stack_.up();
  Scaler s(stack_, "plain", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_EQ(0, stack_.compose("restart -t 0 plain").code);
  ASSERT_TRUE(s.ready(1));
  EXPECT_EQ("", s.report().stopped_by_hand);
  EXPECT_THAT(s.news(), Not(HasSubstr("scaled to 0 outside docktor")));
}

TEST(NobodysHand, AWorkerThatEndsByItselfIsStartedAgainUnderEveryPolicy) {
  for (const char* policy : {"\"no\"", "on-failure", "\"on-failure:1\"", "unless-stopped", "always"}) {
    const Stack stack(
        fmt::format("services:\n  worker:\n    image: docktor-test/busybox\n    restart: {}\n"
                    "    command: [sh, -c, 'sleep 2; exit 0']\n",
                    policy));
    stack.up();
    Docker docker;
    Scaler s(stack, "worker", docker);
    ASSERT_TRUE(s.ready(1)) << policy;
    const auto name = stack.project() + "-worker-1";
    const auto starts = [&] { return must("docker inspect -f '{{.State.StartedAt}}' " + name); };
    std::set<std::string> seen;
    std::string problems, stopped;
    ASSERT_TRUE(eventually([&] {
      seen.insert(starts());
      const auto r = s.report();
      problems += r.problem;
      stopped += r.stopped_by_hand;
      return seen.size() >= 3;
    })) << policy;
    EXPECT_EQ("", problems) << policy << ": docktor's own restart is nobody's change";
    EXPECT_EQ("", stopped) << policy;
    EXPECT_THAT(s.news(), Not(HasSubstr("somebody"))) << policy;
  }
}

TEST(NobodysHand, AnEngineThatShutsDownIsNobodysStop) {
  if (!private_engine()) GTEST_SKIP() << "the engine is not ours to stop";
  // Slow to end, so that docktor has all the time to see them told.
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    restart: unless-stopped\n"
      "    command: [sh, -c, 'trap \"sleep 3; exit 0\" TERM; while :; do sleep 0.1; done']\n");
  stack.up("--scale worker=2");
  Docker docker;
  Scaler s(stack, "worker", docker);
  ASSERT_TRUE(s.ready(2));
  dockerd("stop");
  dockerd("start");
  ASSERT_TRUE(s.ready(2));
  EXPECT_THAT(s.news(), Not(HasSubstr("somebody")));
  EXPECT_THAT(s.news(), Not(HasSubstr("by hand")));
}

TEST(NobodysHand, AWorkerThatEndedWhileDocktorWasAwayIsStarted) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    command: [sh, -c, 'sleep 1; exit 0']\n");
  stack.up();
  must("docker wait " + stack.project() + "-worker-1");
  Docker docker;
  Scaler s(stack, "worker", docker);
  ASSERT_TRUE(s.heard("started " + stack.project() + "-worker-1 again"));
  EXPECT_EQ("", s.report().stopped_by_hand);
}

TEST(NobodysHand, AContainerThatAFailedUpLeftHoldsNothingUp) {
  const Stack stack("services:\n" + sleeper("worker"));
  ASSERT_EQ(0, stack.compose("create worker").code);
  Docker docker;
  Scaler s(stack, "worker", docker);
  ASSERT_TRUE(s.heard("was created and never started"));
  EXPECT_EQ("", s.report().problem);
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
  EXPECT_EQ(2u, stack.containers("worker", "-a").size()) << "the one that was left is one of them";
}

}  // namespace
}  // namespace docktor::test
