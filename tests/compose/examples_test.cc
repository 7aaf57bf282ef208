// The READMEs of the examples but those of NATS, docktor in a container, and how fast docktor reacts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "docker/container.h"
#include "tests/compose/readme.h"
#include "tests/support/missing.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

constexpr auto kMinutes = std::chrono::minutes(4);

TEST(CpuExample, TheReadmeFromStartToCleanup) {
  if (!private_engine()) GTEST_SKIP() << "needs an engine of its own: it uses the example's names and ports";
  ::setenv("CPU_HIGH", "3", 1);  // the machine is shared: what one core gives is not known
  ::setenv("CPU_LOW", "1", 1);
  Walk walk("cpu");
  const auto start = walk.follow("## Start");
  EXPECT_THAT(start, HasSubstr("Hello from"));
  EXPECT_THAT(start, HasSubstr("✓ Daemon started successfully"));
  walk.go_to_example();
  walk.follow("## Put Load on It");
  EXPECT_TRUE(eventually([&] { return walk.running("web") >= 4; }, kMinutes)) << walk.daemon_log();
  EXPECT_TRUE(eventually(
      [&] {
        walk.go_to_root();
        return walk.run("./docktor explain --json --tail 100000 --config " + walk.config())
                   .out.find("cpu.avg") != std::string::npos;
      },
      kMinutes));
  // The proxy finds the new replicas.
  std::set<std::string> answered;
  EXPECT_TRUE(eventually(
      [&] {
        answered.insert(must("wget -qO- http://localhost:8080/ || true"));
        return answered.size() >= 4;
      },
      kMinutes))
      << answered.size();
  walk.go_to_example();
  walk.follow("## Take It Away");
  EXPECT_TRUE(eventually([&] { return walk.running("web") == 2; }, kMinutes, std::chrono::seconds(1)))
      << walk.daemon_log();
  walk.go_to_root();
  walk.follow("## Cleanup");
  EXPECT_EQ("", must("docker ps -aq"));
  ::unsetenv("CPU_HIGH");
  ::unsetenv("CPU_LOW");
}

struct Shown {
  const char* example;
  std::map<std::string, std::string> environment;
  const char* validated;  // what `config validate` says once nothing comes any more
  bool by_rules = true;   // and is at zero soon; an objective keeps replicas for minutes
};

class FrameworkExample : public testing::TestWithParam<Shown> {};

TEST_P(FrameworkExample, TheReadmeFromStartToCleanup) {
  if (!private_engine()) GTEST_SKIP() << "needs an engine of its own: it uses the example's names and ports";
  const auto& shown = GetParam();
  const std::string source = std::getenv("DOCKTOR_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const auto images =
      sh(fmt::format("{0}/tests/compose/example-images.sh {1} {0}/build", source, shown.example));
  if (images.code == 77) SKIP_FOR_WANT_OF(images.out);
  ASSERT_EQ(0, images.code) << images.out;
  // No minutes for the first burst: more than two workers' load from the beginning.
  auto environment = shown.environment;
  environment["RATE"] = "40";
  Walk walk(shown.example, environment);
  walk.go_to_example();
  // Ten workers that start at once keep two busy cores for minutes.
  walk.run(
      "sed -i 's/check_interval: 5/check_interval: 1/; s/max_replicas: 1[02]/max_replicas: 4/' docktor.yaml");
  walk.go_to_root();
  EXPECT_THAT(walk.follow("## Start"), HasSubstr("✓ Daemon started successfully"));
  EXPECT_TRUE(eventually([&] { return walk.running("worker") >= 3; }, kMinutes)) << walk.daemon_log();
  walk.run("docker compose stop -t 1 producer");
  const int peak = walk.running("worker");
  EXPECT_TRUE(eventually(
      [&] {
        const int left = walk.running("worker");
        return shown.by_rules ? left == 0 : left < peak;
      },
      kMinutes))
      << walk.daemon_log();
  EXPECT_THAT(walk.follow("## Watch"), HasSubstr(shown.by_rules ? "1→0" : "→"));
  walk.go_to_example();
  EXPECT_THAT(walk.run("../../docktor config validate").out, HasSubstr(shown.validated));
  walk.follow("## Cleanup");
  EXPECT_EQ("", must("docker ps -aq"));
}

INSTANTIATE_TEST_SUITE_P(
    Examples, FrameworkExample,
    testing::Values(
        Shown{"pg-boss",
              {{"BASE", "docktor-test/node"}, {"POSTGRES_IMAGE", "docktor-test/postgres"}},
              "pg-boss (schema 46, pg-boss 11 or later), mail: 0 waiting, 0 in hand"},
        Shown{"celery",
              {{"BASE", "docktor-test/python"}, {"REDIS_IMAGE", "docktor-test/redis"}},
              "Celery celery: 0 waiting, 0 in hand"},
        Shown{"bullmq",
              {{"BASE", "docktor-test/node"}, {"REDIS_IMAGE", "docktor-test/redis"}},
              "BullMQ mail: 0 waiting, 0 in hand"},
        Shown{"rabbitmq", {{"RABBITMQ_IMAGE", "docktor-test/rabbitmq"}}, "queue jobs is there", false},
        Shown{"kafka", {{"KAFKA_IMAGE", "docktor-test/kafka"}}, "group workers", false}),
    [](const auto& i) {
      std::string name = i.param.example;
      std::erase(name, '-');
      return name;
    });

// The NATS example with docktor as one of its services: no host in between.
TEST(InAContainer, DocktorScalesTheProjectThatItRunsIn) {
  if (!private_engine()) GTEST_SKIP() << "needs an engine of its own: it uses the example's names and ports";
  Walk walk("nats-multi");
  const std::string source = std::getenv("DOCKTOR_SOURCE_DIR"),
                    binary = std::getenv("DOCKTOR_BINARY_DIR");  // NOLINT(concurrency-mt-unsafe)
  const auto socket = must("echo ${DOCKER_HOST#unix://}");
  const auto build = walk.run(
      fmt::format("mkdir image && cp {}/src/app/docktor {}/packaging/docker/Dockerfile image && "
                  "docker build -q -t docktor --target prebuilt --build-arg BASE=docktor-test/base image",
                  binary, source));
  ASSERT_EQ(0, build.code) << build.out;
  walk.go_to_example();
  const auto up = walk.run(fmt::format(
      "sed 's|/var/run/docker.sock:/var|{}:/var|' {}/packaging/docker/compose.yaml > compose.docktor.yaml\n"
      "sed -i 's/_interval: 10/_interval: 1/; s/_window: 10/_window: 1/' docktor.yaml\n"
      "docker compose -f docker-compose.yaml -f compose.docktor.yaml up -d --build",
      socket, source));
  ASSERT_EQ(0, up.code) << up.out;
  const auto logs = [] { return sh("docker logs nats-multi-docktor-1").out; };
  EXPECT_TRUE(eventually(
      [] {
        return sh("docker inspect -f '{{.State.Health.Status}}' nats-multi-docktor-1").out == "healthy\n";
      },
      kMinutes))
      << logs();
  EXPECT_TRUE(eventually(
      [&] {
        return sh("docker exec nats-multi-docktor-1 docktor daemon status --config /config/docktor.yaml")
                   .out.find("1 ready") != std::string::npos;
      },
      kMinutes))
      << logs();

  // How fast: from the first message over the threshold to a running container, sample interval (1 s) + 1 s
  // at most.
  const auto publish =
      "docker exec -e COUNT=3000 -e RATE=100000 -e RUN_ID=burst nats-multi-producer-1 producer";
  const auto before = walk.running("consumer");
  const auto published = std::chrono::system_clock::now().time_since_epoch();
  ASSERT_EQ(0, sh(publish).code);
  EXPECT_TRUE(eventually([&] { return walk.running("consumer") > before; }, kMinutes)) << logs();
  const auto inspect = nlohmann::json::parse(must("docker inspect nats-multi-consumer-2"), nullptr, false);
  const auto started = parse_rfc3339(inspect[0]["State"]["StartedAt"].get<std::string>());
  ASSERT_TRUE(started);
  const double reaction =
      to_seconds(started->time_since_epoch()) - std::chrono::duration<double>(published).count();
  fmt::print("from the first message to a running container: {:.2f} s\n", reaction);
  EXPECT_LT(reaction, 10) << "2 s on a quiet machine, and what starting `docker exec` costs\n" << logs();
  EXPECT_TRUE(
      eventually([&] { return walk.running("consumer") == 1; }, kMinutes, std::chrono::milliseconds(200)))
      << logs();
  walk.run("docker compose -f docker-compose.yaml -f compose.docktor.yaml down -v -t 5");
}

}  // namespace
}  // namespace docktor::test
