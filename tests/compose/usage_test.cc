// CPU and memory of real containers, and addresses of real services.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "docker/service_address.h"
#include "targets/compose/docker_usage.h"
#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

Result<Reading> read(Source& source, const std::vector<Replica>& replicas) {
  auto answer = std::make_shared<std::promise<Result<Reading>>>();
  auto future = answer->get_future();
  source.read({.timeout = std::chrono::seconds(20), .replicas = replicas},
              [answer](Result<Reading> r) { answer->set_value(std::move(r)); });
  return future.get();
}

TEST(DockerUsage, IsWhatTheContainersUse) {
  Docker docker;
  const Stack stack(
      "services:\n"
      "  busy:\n    image: docktor-test/busybox\n    init: true\n    cpus: 0.2\n    mem_limit: 100m\n"
      "    command: [sh, -c, 'while :; do :; done']\n" +
      sleeper("idle"));
  stack.up("--scale busy=2");
  Scaler busy(stack, "busy", docker), idle(stack, "idle", docker);
  ASSERT_TRUE(busy.ready(2) && idle.ready(1));
  DockerUsageSource source(docker), other(docker);
  const auto first = read(source, busy.report().replicas);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->usage->empty()) << "a first sample tells no usage";
  ASSERT_TRUE(read(other, idle.report().replicas));

  // Until a sample is right: the engine takes its own once a second, and the machine is shared.
  std::vector<ReplicaUsage> last;
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));  // the distance of two samples
    const auto r = read(source, busy.report().replicas);
    if (!r) return false;
    last = *r->usage;
    if (last.size() != 2) return false;
    return std::ranges::all_of(last, [](const ReplicaUsage& u) {
      return u.cpu > 10 && u.cpu < 30 && u.cpu_limit_pct && *u.cpu_limit_pct > 50 && *u.cpu_limit_pct < 150;
    });
  })) << (last.empty() ? -1 : last[0].cpu);
  ASSERT_EQ(2u, last.size());
  EXPECT_THAT(last[0].id, HasSubstr(stack.project() + "-busy-"));
  EXPECT_GT(*last[0].mem, 0);
  EXPECT_NEAR(*last[0].mem / (100 * 1024 * 1024) * 100, *last[0].mem_limit_pct, 0.1);

  const auto quiet = read(other, idle.report().replicas);
  ASSERT_TRUE(quiet);
  ASSERT_EQ(1u, quiet->usage->size());
  EXPECT_LT(quiet->usage->front().cpu, 10);
}

TEST(DockerUsage, ADeadEngineIsAnErrorNotZero) {
  Docker docker({.getenv = [](const char* name) -> const char* {
    return std::string(name) == "DOCKER_HOST" ? "unix:///nonexistent.sock" : nullptr;
  }});
  DockerUsageSource source(docker);
  const auto r = read(source, {{.id = "a", .container = "a", .state = ReplicaState::kReady}});
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kUnavailable, r.error().code);
}

TEST(ServiceAddresses, OfTheProjectAreReachedFromTheHost) {
  Docker docker;
  const Stack stack("services:\n" + sleeper("docktors-published", "    ports: ['127.0.0.1::4222']\n") +
                    sleeper("docktors-hidden"));
  stack.up();
  ServiceAddress address(docker, [&]() -> Result<std::string> { return stack.project(); });
  const auto port =
      must("docker port " + stack.project() + "-docktors-published-1 4222/tcp | head -1 | sed 's/.*://'");
  EXPECT_EQ("nats://user:pw@127.0.0.1:" + port,
            address.resolve("nats://user:pw@docktors-published:4222", 4222));
  EXPECT_EQ("nats://***@docktors-published:4222 (via 127.0.0.1:" + port + ")",
            address.shown("nats://user:pw@docktors-published:4222"));
  const auto hidden = must("docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' " +
                           stack.project() + "-docktors-hidden-1");
  EXPECT_EQ("nats://" + hidden + ":4222", address.resolve("nats://docktors-hidden", 4222));
  EXPECT_EQ("nats://localhost:4222", address.resolve("nats://localhost:4222", 4222))
      << "the host knows this name itself";
  EXPECT_EQ("nats://docktors-nobody:4222", address.resolve("nats://docktors-nobody:4222", 4222));
}

}  // namespace
}  // namespace docktor::test
