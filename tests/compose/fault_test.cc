// Things that break in the midst of scaling: bounds hold, it recovers, nothing is left behind.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <future>
#include <memory>

#include "os/fd.h"
#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

class ComposeFaults : public testing::Test {
 protected:
  static int created(const Stack& stack) {
    return static_cast<int>(stack.containers("worker", "-a --filter status=created").size());
  }
  Docker docker_;
};

TEST_F(ComposeFaults, ADeadEngineIsAProblemAndScalingGoesOnWhenItIsBack) {
  if (!private_engine()) GTEST_SKIP() << "the engine is not ours to restart";
  const Stack stack("services:\n" + sleeper("worker", "    restart: unless-stopped\n"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
  // Killed, its containers live on and nothing is told of them; stopped, it stops them first and tells so.
  for (const char* end : {"kill", "stop"}) {
    dockerd(end);
    // "Docker is shutting down" comes before, while it stops them.
    ASSERT_TRUE(eventually([&] { return s.report().problem.find("Start Docker") != std::string::npos; }))
        << s.report().problem;
    if (end == std::string("kill")) {
      EXPECT_EQ(2u, s.report().replicas.size()) << "the last ones known";
    }
    const auto refused = s.scale(4);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().retry);
    dockerd("start");
    ASSERT_TRUE(s.ready(2));
    EXPECT_EQ("", s.report().stopped_by_hand);
  }
  ASSERT_TRUE(s.scale(4));
  ASSERT_TRUE(s.ready(4));
}

TEST_F(ComposeFaults, AnEngineKilledInTheMidstOfAnOrderLeavesNothingBehind) {
  if (!private_engine()) GTEST_SKIP() << "the engine is not ours to kill";
  const Stack stack("services:\n" + sleeper("worker", "    restart: unless-stopped\n"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  for (const int pause_ms : {50, 250, 500}) {
    auto order = std::async(std::launch::async, [&] { return s.scale(8); });
    std::this_thread::sleep_for(
        std::chrono::milliseconds(pause_ms));  // somewhere in the midst; anywhere is as good
    dockerd("kill");
    dockerd("start");
    (void)!order.get().has_value();
    // Whatever came of it: no more than were ordered, none half made, and the next order is obeyed.
    ASSERT_TRUE(eventually([&] { return s.report().problem.empty() && created(stack) == 0; }))
        << created(stack) << " half made; " << s.report().problem << "\ndocktor's news: " << s.news();
    EXPECT_LE(stack.containers("worker", "-a").size(), 8u);
    ASSERT_TRUE(eventually([&] { return s.scale(3).has_value(); }));
    ASSERT_TRUE(s.ready(3));
    ASSERT_TRUE(eventually([&] { return stack.containers("worker", "-a").size() == 3; }))
        << "docktor's news: " << s.news() << "\n"
        << must("docker ps -a --no-trunc --filter label=com.docker.compose.project=" + stack.project())
        << "\n"
        << must("docker ps -aq --filter label=com.docker.compose.project=" + stack.project() +
                " | xargs docker inspect -f '{{.Name}} {{json .State}}'");
  }
}

TEST_F(ComposeFaults, DocktorEndingInTheMidstFinishesItsRemovalsNextTime) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    stop_grace_period: 30s\n"
      "    command: [sh, -c, 'trap \"sleep 3; exit 0\" TERM; while :; do sleep 0.1; done']\n");
  stack.up("--scale worker=3");
  {
    Scaler s(stack, "worker", docker_);
    ASSERT_TRUE(s.ready(3));
    ASSERT_TRUE(s.scale(1));
  }  // two of them are in their grace period
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  EXPECT_EQ("", s.report().stopped_by_hand);
  ASSERT_TRUE(eventually([&] { return stack.containers("worker", "-a").size() == 1; }));
}

TEST_F(ComposeFaults, WhatAnOrderLeftThatWasCutOffIsRemovedNextTime) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up();
  {
    Scaler s(stack, "worker", docker_);
    ASSERT_TRUE(s.ready(1));
  }
  // As if docktor had been killed between creating and starting, or the engine in the midst of a start.
  const auto name = [&](int number) { return fmt::format("{}-worker-{}", stack.project(), number); };
  for (const int number : {2, 3}) {
    must(
        fmt::format("docker create --name {} --label com.docker.compose.project={} --label "
                    "com.docker.compose.service=worker "
                    "--label com.docker.compose.oneoff=False --label com.docker.compose.container-number={} "
                    "--label com.docker.compose.config-hash=x docktor-test/busybox true",
                    name(number), stack.project(), number));
  }
  must(fmt::format("docker start {0} && docker wait {0}", name(3)));
  const auto file = stack.state() + "/worker.compose.json";
  must(
      fmt::format("sed -i 's/\"creating\":\\[\\]/\"creating\":[\"{}\",\"{}\"]/' {}", name(2), name(3), file));
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  EXPECT_EQ(1u, stack.containers("worker", "-a").size());
  EXPECT_TRUE(s.heard(name(2) + ": it was created and never started"));
  EXPECT_TRUE(s.heard(name(3) + ": its start was cut off"));
}

TEST_F(ComposeFaults, AReplicaRemovedByHandWhileOthersAreAdded) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up("--scale worker=3");
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(3));
  auto order = std::async(std::launch::async, [&] { return s.scale(6); });
  must(fmt::format("docker rm -f {}-worker-2", stack.project()));
  const auto r = order.get();
  ASSERT_TRUE(eventually([&] { return s.report().problem.empty(); }));
  ASSERT_TRUE(eventually([&] { return s.scale(6).has_value(); }));
  ASSERT_TRUE(s.ready(6));
}

TEST_F(ComposeFaults, AnImageThatIsGoneIsToldWithItsCure) {
  must(
      "printf 'FROM docktor-test/busybox\nRUN echo gone > /gone\n' | docker build -q -t "
      "docktor-test/vanishing:1 -");
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/vanishing:1\n    init: true\n    command: sleep "
      "10000\n" +
      sleeper("other"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  must("docker rmi -f docktor-test/vanishing:1");
  ASSERT_TRUE(s.scale(2)) << "the tag is gone, the image is not while a container has it";
  ASSERT_TRUE(s.ready(2));
  ASSERT_TRUE(s.scale(0));
  ASSERT_TRUE(s.ready(0));
  sh("docker image prune -f");
  const auto r = s.scale(1);
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kNotFound, r.error().code);
  EXPECT_THAT(r.error().message, HasSubstr("docker compose build worker"));
}

TEST_F(ComposeFaults, ATagThatMovedOnBringsNoOtherImage) {
  must("docker tag docktor-test/busybox docktor-test/moving:1");
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/moving:1\n    init: true\n    command: sleep 10000\n");
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  must(
      "printf 'FROM docktor-test/busybox\\nRUN echo new > /new\\n' | docker build -q -t "
      "docktor-test/moving:1 -");
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
  EXPECT_EQ(stack.inspect(stack.project() + "-worker-1")["Image"],
            stack.inspect(stack.project() + "-worker-2")["Image"]);
  must("docker rmi docktor-test/moving:1");
}

TEST_F(ComposeFaults, AStartThatFailsLeavesNoContainer) {
  const Stack stack("services:\n" +
                    sleeper("worker", "    ports: ['38430-38432:80']\n    networks: [a, b]\n") +
                    "networks:\n  a:\n  b:\n");
  stack.up();
  const auto name = stack.project() + "-in-the-way";
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  std::string taken;  // whichever of the three the first replica has not
  for (const auto* port : {"38430", "38431", "38432"}) {
    if (must("docker port " + stack.project() + "-worker-1").find(port) == std::string::npos)
      taken += fmt::format(" -p {0}:{0}", port);
  }
  must(fmt::format("docker run -d --init --name {}{} docktor-test/busybox sleep 10000", name, taken));
  const auto r = s.scale(3);
  sh("docker rm -f " + name);
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().message, HasSubstr("could not start"));
  EXPECT_EQ(0, created(stack));
  ASSERT_TRUE(eventually([&] { return s.scale(3).has_value(); }));
  ASSERT_TRUE(s.ready(3));
}

TEST_F(ComposeFaults, ACrashedReplicaIsFailingAndStartedAgain) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    init: true\n    volumes: ['./flag:/flag']\n"
      "    command: [sh, -c, 'while [ ! -e /flag/crash ]; do sleep 0.1; done; exit 3']\n");
  must("mkdir flag", stack.folder());
  stack.up("--scale worker=2");
  Scaler s(stack, "worker", docker_, {.first_backoff = std::chrono::milliseconds(200)});
  ASSERT_TRUE(s.ready(2));
  must("touch flag/crash", stack.folder());
  ASSERT_TRUE(eventually([&] { return count(s.report().replicas).failing == 2; }));
  EXPECT_TRUE(s.heard("ended by itself (exit code 3)"));
  EXPECT_EQ(2, count(s.report().replicas).current) << "a crashed replica is one to be had again";
  must("rm flag/crash", stack.folder());
  ASSERT_TRUE(s.ready(2));
  EXPECT_EQ("", s.report().stopped_by_hand);
}

TEST_F(ComposeFaults, ACrashLoopUnderARestartPolicyIsFailing) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    restart: always\n    command: [sh, -c, "
      "'sleep 0.3; exit 4']\n");
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(eventually([&] { return count(s.report().replicas).failing == 1; }));
  EXPECT_EQ("", s.report().stopped_by_hand);
}

TEST_F(ComposeFaults, AReplicaThatNeverBecomesHealthyIsRemovedAndTheNextOneWaits) {
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/busybox\n    init: true\n    command: sleep 10000\n"
      "    volumes: ['./flag:/flag']\n"
      "    healthcheck:\n      test: [CMD-SHELL, '[ ! -e /flag/sick ] || { echo no database; exit 1; }']\n"
      "      interval: 1s\n      retries: 2\n      start_period: 0s\n");
  must("mkdir flag", stack.folder());
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  must("touch flag/sick", stack.folder());
  ASSERT_TRUE(s.scale(2));
  EXPECT_EQ(2, count(s.report().replicas).current);
  ASSERT_TRUE(s.heard("never became healthy: no database"));
  ASSERT_TRUE(eventually([&] { return stack.containers("worker", "-a").size() == 1; }));
  const auto r = s.scale(2);
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().message, HasSubstr("the next one is tried at "));
  EXPECT_THAT(r.error().message, HasSubstr("or after `docktor resume worker`"));
  EXPECT_EQ(1, count(s.report().replicas).current) << "one that once was healthy stays";
  must("rm flag/sick", stack.folder());  // repaired, and a person says so
  s.target().resume();
  ASSERT_TRUE(eventually([&] { return s.scale(2).has_value(); })) << s.scale(2).error().message;
  EXPECT_TRUE(s.ready(2));
}

TEST_F(ComposeFaults, AReplicaThatIsDeployedAnewIsTriedAtOnce) {
  const auto file = [](const char* check) {
    return fmt::format(
        "services:\n  worker:\n    image: docktor-test/busybox\n    init: true\n    command: sleep 10000\n"
        "    healthcheck:\n      test: [CMD-SHELL, '{}']\n      interval: 1s\n      retries: 2\n      "
        "start_period: 0s\n",
        check);
  };
  Stack stack(file("false"));
  ASSERT_EQ(0, stack.compose("up -d").code);
  Scaler s(stack, "worker", docker_, {.start_backoff = std::chrono::hours(1)});
  ASSERT_TRUE(eventually([&] { return s.report().problem.empty() && !s.report().replicas.empty(); }));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.heard("never became healthy"));
  ASSERT_TRUE(eventually([&] { return !s.scale(2); }));
  // `docker compose up` fails where a container goes while it looks at it.
  ASSERT_TRUE(eventually([&] { return stack.containers("worker", "-a").size() == 1; }));
  stack.write(file("true"));
  stack.up();
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(eventually([&] { return s.scale(2).has_value(); }));
  EXPECT_TRUE(s.ready(2));
}

TEST(SlowDocker, CostsTheMakingOfManyServicesOneWait) {
  // A socket that takes connections and is silent.
  const TempDir dir;
  const auto path = (dir.path() / "docker.sock").string();
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(0, ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  ASSERT_EQ(0, ::listen(listener.get(), 100));
  Docker docker({.getenv = [](const char*) -> const char* { return nullptr; }, .default_socket = path});
  const RealClock clock;
  std::vector<std::unique_ptr<ComposeTarget>> all;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 40; ++i) {
    ComposeOptions o;
    o.service = fmt::format("s{}", i);
    o.spec.project = "p";
    o.state_directory = (dir.path() / "state").string();
    all.push_back(std::make_unique<ComposeTarget>(std::move(o), docker, clock));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << "40 waits are 20 s";
}

}  // namespace
}  // namespace docktor::test
