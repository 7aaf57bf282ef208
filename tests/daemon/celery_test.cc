// The workers of examples/celery, started and stopped by docktor: every task is done once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

TEST(CeleryExample, FromNothingToFiveAndBackToZeroWithEveryTaskDoneOnce) {
  const RedisServer server;
  const Sandbox box;
  const auto python = [&](const std::string& what, const std::string& more) {
    return fmt::format(
        "/usr/bin/env, PYTHONPATH={}, PYTHONDONTWRITEBYTECODE=1, REDIS_URL={}, RECORD_FILE={}, {}, "
        "/usr/bin/python3, {}",
        DOCKTOR_CELERY_EXAMPLE, server.url(), box.jobs_file(), more, what);
  };
  const auto put = [&](int first, int count) {
    auto command =
        python(DOCKTOR_CELERY_EXAMPLE "/producer.py", fmt::format("FIRST={}, COUNT={}", first, count));
    std::erase(command, ',');
    const auto ran = box.run(command);
    ASSERT_EQ(ran.code, 0) << ran.out;
  };
  box.write(
      "docktor.yaml",
      jobs_config(
          fmt::format(R"({{kind: redis, url: "{}", framework: celery, queue: celery, acks_late: true}})",
                      server.url()),
          python("-m, celery, -A, tasks, worker, --concurrency=1, --loglevel=WARNING",
                 "PROCESS_TIME_MS=20")));
  box.start();
  EXPECT_EQ(box.replicas(), 0);
  put(1, 300);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 300; })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves() << "\n" << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  // Debian's Celery loses a task that comes while a worker shuts down (docs/redis.md).
  ASSERT_TRUE(eventually([&] { return box.processes().alive().size() == 1; })) << "the daemon alone";
  put(301, 1);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 301; })) << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [task, times] : box.jobs()) EXPECT_EQ(times, 1) << "task " << task;
}

}  // namespace
}  // namespace docktor::test
