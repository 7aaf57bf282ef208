// The usual life of a Compose service: more replicas, fewer, none, several services, and the user's own
// Compose beside it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <numeric>

#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ComposeScaling : public testing::Test {
 protected:
  Docker docker_;
};

TEST_F(ComposeScaling, AdoptsThenAddsAndRemovesReplicas) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  EXPECT_THAT(s.news(), HasSubstr("adopted 1 running"));

  const auto up = s.scale(4);
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_THAT(*up, HasSubstr("started 3: " + stack.project() + "-worker-2"));
  ASSERT_TRUE(s.ready(4));
  EXPECT_EQ(4, stack.running("worker"));

  const auto down = s.scale(2);
  ASSERT_TRUE(down) << down.error().message;
  ASSERT_TRUE(s.ready(2));
  // The three were made side by side, in whatever order: the oldest stays for certain.
  EXPECT_THAT(stack.containers("worker"), testing::Contains(stack.project() + "-worker-1"));
  EXPECT_EQ(2u, stack.containers("worker").size());
  EXPECT_EQ(2u, stack.containers("worker", "-a").size()) << "removed, not only stopped";
  EXPECT_EQ("", s.report().stopped_by_hand);
}

TEST_F(ComposeScaling, TheUsersComposeGoesOnWorkingWithOurReplicas) {
  const Stack stack("services:\n" + sleeper("worker") + sleeper("other"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
  const auto before = stack.ids("worker");

  EXPECT_THAT(stack.compose("ps worker").out, HasSubstr(stack.project() + "-worker-3"));
  EXPECT_EQ(0, stack.compose("logs worker").code);
  auto r = stack.compose("up -d --scale worker=3");
  EXPECT_EQ(0, r.code) << r.out;
  EXPECT_EQ(before, stack.ids("worker")) << "nothing re-created: " << r.out;

  r = stack.compose("up -d --scale worker=5");
  EXPECT_EQ(0, r.code) << r.out;
  ASSERT_TRUE(s.ready(5));
  EXPECT_THAT(s.news(), HasSubstr("somebody started"));
  ASSERT_TRUE(s.scale(6));
  ASSERT_TRUE(s.ready(6));

  r = stack.compose("down -t 0");
  EXPECT_EQ(0, r.code) << r.out;
  EXPECT_TRUE(stack.containers("worker", "-a").empty());
  EXPECT_EQ("", must("docker network ls -q --filter label=com.docker.compose.project=" + stack.project()));
}

TEST_F(ComposeScaling, AnonymousVolumesGoWithTheirReplicas) {
  const Stack stack("services:\n" + sleeper("worker", "    volumes: [/data, 'named:/named']\n") +
                    "volumes:\n  named:\n");
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  const auto volumes = [] { return must("docker volume ls -q | sort"); };
  const auto before = volumes();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(s.scale(3));
    ASSERT_TRUE(s.ready(3));
    ASSERT_TRUE(s.scale(1));
    ASSERT_TRUE(s.ready(1));
  }
  EXPECT_EQ(before, volumes());
}

TEST_F(ComposeScaling, FromZeroReplicasOutOfTheSavedTemplate) {
  const Stack stack("services:\n" + sleeper("worker") + sleeper("other"));
  stack.up();
  {
    Scaler s(stack, "worker", docker_);
    ASSERT_TRUE(s.ready(1));
    ASSERT_TRUE(s.scale(0));
    ASSERT_TRUE(s.ready(0));
    EXPECT_EQ("", s.report().stopped_by_hand) << "docktor's own zero";
  }
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(0));
  EXPECT_EQ("", s.report().stopped_by_hand);
  const auto up = s.scale(2);
  ASSERT_TRUE(up) << up.error().message;
  ASSERT_TRUE(s.ready(2));
  EXPECT_THAT(*up, HasSubstr("started 2"));
}

TEST_F(ComposeScaling, FromZeroByTheFileWhereItSaysOtherwiseThanTheSavedTemplate) {
  const auto file = [](const char* speed) {
    return "services:\n" + sleeper("worker", fmt::format("    environment: {{SPEED: '{}'}}\n", speed)) +
           sleeper("other");
  };
  Stack stack(file("slow"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(0));
  ASSERT_TRUE(s.ready(0));
  stack.write(file("fast"));
  Result<std::string> up = fail(ErrorCode::kInternal, "");
  ASSERT_TRUE(eventually([&] { return (up = s.scale(2)) || up.error().code != ErrorCode::kConflict; }));
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_THAT(*up, HasSubstr("the Compose file defines worker otherwise"));
  ASSERT_TRUE(s.ready(2));
  for (const auto& c : stack.containers("worker"))
    EXPECT_EQ("fast", must("docker exec " + c + " sh -c 'echo $SPEED'"));
  // While some run the file's edits wait for a deployment.
  stack.write(file("edited"));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
  for (const auto& c : stack.containers("worker"))
    EXPECT_EQ("fast", must("docker exec " + c + " sh -c 'echo $SPEED'"));
}

TEST_F(ComposeScaling, WithNothingToCloneTheComposeCommandMakesTheFirst) {
  const Stack stack("services:\n" + sleeper("worker") + sleeper("other"));
  stack.up("other");
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(0));
  Result<std::string> up = fail(ErrorCode::kInternal, "");
  ASSERT_TRUE(eventually([&] { return (up = s.scale(2)) || up.error().code != ErrorCode::kConflict; }));
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_THAT(*up, HasSubstr("Compose command"));
  ASSERT_TRUE(s.ready(2));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
}

TEST_F(ComposeScaling, AProjectThatIsNotThereIsNotBroughtUp) {
  const Stack stack("services:\n" + sleeper("worker"));
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(eventually([&] { return s.report().problem.find("up -d") != std::string::npos; }))
      << s.report().problem;
  const auto r = s.scale(1);
  ASSERT_FALSE(r);
  EXPECT_EQ(0, stack.running("worker"));
  stack.up();
  ASSERT_TRUE(s.ready(1));
}

TEST_F(ComposeScaling, TwoServicesOfOneProjectAtOnce) {
  const Stack stack("services:\n" + sleeper("a") + sleeper("b"));
  stack.up();
  Scaler a(stack, "a", docker_), b(stack, "b", docker_);
  ASSERT_TRUE(a.ready(1) && b.ready(1));
  for (const int n : {4, 2, 5}) {
    auto other = std::async(std::launch::async, [&] { return b.scale(n); });
    const auto mine = a.scale(n);
    EXPECT_TRUE(mine) << mine.error().message;
    const auto theirs = other.get();
    EXPECT_TRUE(theirs) << theirs.error().message;
    ASSERT_TRUE(a.ready(n) && b.ready(n));
  }
  EXPECT_EQ(5u, stack.containers("a", "-a").size());
  EXPECT_EQ(5u, stack.containers("b", "-a").size());
}

TEST_F(ComposeScaling, NothingElseIsTouched) {
  const Stack stack("services:\n" + sleeper("worker") + sleeper("edited") + sleeper("stopped"));
  const Stack namesake("services:\n" + sleeper("worker"));
  stack.up();
  namesake.up();
  ASSERT_EQ(0, stack.compose("stop -t 0 stopped").code);
  stack.write("services:\n" + sleeper("worker", "    environment: {NEW: 1}\n") +
              sleeper("edited", "    environment: {NEW: 1}\n") + sleeper("stopped"));
  const auto untouched = [&] {
    return stack.ids("edited") + stack.ids("stopped") + namesake.ids("worker") +
           must("docker inspect -f '{{.State.Status}}{{.State.StartedAt}}' " + stack.project() +
                "-stopped-1 " + stack.project() + "-edited-1 " + namesake.project() + "-worker-1");
  };
  const auto before = untouched();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
  ASSERT_TRUE(s.scale(1));
  ASSERT_TRUE(s.ready(1));
  EXPECT_EQ(before, untouched());
  const auto env = stack.inspect(stack.project() + "-worker-1")["Config"]["Env"].dump();
  EXPECT_EQ(std::string::npos, env.find("NEW")) << "what is edited and not deployed stays so";
}

TEST_F(ComposeScaling, TheLeastBusyStopFirst) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up("--scale worker=4");
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(4));
  const auto name = [&](int n) { return fmt::format("{}-worker-{}", stack.project(), n); };
  ASSERT_TRUE(s.scale(2, {{name(1), 3}, {name(2), 90}, {name(3), 1}, {name(4), 80}}));
  ASSERT_TRUE(s.ready(2));
  EXPECT_THAT(stack.containers("worker"), ElementsAre(name(2), name(4)));
}

TEST_F(ComposeScaling, AReplicaHasItsFullGracePeriod) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    stop_grace_period: 60s\n"
      "    volumes: ['./out:/out']\n"
      "    command: [sh, -c, 'trap \"sleep 12; echo done >> /out/done; exit 0\" TERM; while :; do sleep 0.1; "
      "done']\n");
  stack.up("--scale worker=2");
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(2));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(s.scale(1));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10))
      << "an order does not wait for the end";
  EXPECT_EQ(1, count(s.report().replicas).current);
  ASSERT_TRUE(s.ready(1)) << "more than Docker's default of 10 s later";
  EXPECT_EQ("done", must("cat out/done", stack.folder()));
}

TEST_F(ComposeScaling, ThatAReplicaHadToBeKilledIsToldUntilOneEndsInTime) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    stop_grace_period: 2s\n    volumes: "
      "['./in:/in']\n"
      "    command: [sh, -c, 'trap \"[ -e /in/hears ] && exit 0\" TERM; while :; do sleep 0.1; done']\n");
  stack.up("--scale worker=3");
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(3));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
  EXPECT_TRUE(eventually([&] { return !s.report().killed.empty(); }));
  EXPECT_THAT(s.report().killed, HasSubstr("did not end within 2s of SIGTERM and was killed"));
  must("touch in/hears", stack.folder());
  ASSERT_TRUE(s.scale(1));
  ASSERT_TRUE(s.ready(1));
  EXPECT_TRUE(eventually([&] { return s.report().killed.empty(); })) << s.report().killed;
}

TEST_F(ComposeScaling, FourMoreReplicasComeFasterThanByTheComposeCommand) {
  const Stack ours("services:\n" + sleeper("worker")), theirs("services:\n" + sleeper("worker"));
  ours.up();
  theirs.up();
  Scaler s(ours, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  std::vector<double> mine, compose;
  for (int round = 0; round < 5; ++round) {
    auto begin = std::chrono::steady_clock::now();
    const auto r = theirs.compose("up -d --no-deps --no-recreate --scale worker=5 worker");
    compose.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    ASSERT_EQ(0, r.code) << r.out;
    begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(s.scale(5));
    mine.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    ASSERT_TRUE(s.ready(5));
    ASSERT_TRUE(s.scale(1));
    theirs.compose("up -d --no-deps --no-recreate -t 0 --scale worker=1 worker");
    ASSERT_TRUE(s.ready(1));
  }
  const auto best = [](const std::vector<double>& v) { return *std::ranges::min_element(v); };
  RecordProperty("docktor_seconds", fmt::format("{:.2f}", best(mine)));
  RecordProperty("compose_seconds", fmt::format("{:.2f}", best(compose)));
  fmt::print("4 more replicas: docktor {:.2f} s, compose {:.2f} s, ratio {:.2f}\n", best(mine), best(compose),
             best(mine) / best(compose));
  EXPECT_LT(best(mine), best(compose));  // by how much is for compose_bench to say
}

}  // namespace
}  // namespace docktor::test
