// One service on two queues: daemon, plain Python workers, two real redis-servers. Each test accounts for every job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;

class TwoQueuesDaemonTest : public testing::Test {
 protected:
  TwoQueuesDaemonTest() {
    const auto queue = [](const char* name, const RedisServer& server) {
      return fmt::format(
          R"({{name: {}, kind: redis, url: "{}", stream: jobs, group: workers, claim_after: 2s}})", name,
          server.url());
    };
    box.write("docktor.yaml", fmt::format(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 5
    check_interval: 500ms
    metrics_window: 2s
    rules:
      scale_up_when: [{{metric: queue.backlog, op: ">", value: 50}}]
      scale_down_when: [{{metric: queue.mail.backlog, op: "<=", value: 5}}, {{metric: queue.backlog, op: "<=", value: 5}}]
    queues:
      - {}
      - {}
    target: {{kind: process, command: [/usr/bin/python3, "{}", "{}", "0.02", "{}", jobs, "{}", jobs]}}
)",
                                          queue("mail", mail), queue("push", push), DOCKTOR_TWO_QUEUES_WORKER,
                                          box.jobs_file(), mail.url(), push.url()));
  }

  void put(const RedisServer& server, int count) {
    server.cli(fmt::format(
        "EVAL \"for i = 1, {} do redis.call('XADD', 'jobs', '*', 'n', ARGV[1] + i) end return 1\" 0 {}",
        count, put_));
    put_ += count;
  }
  bool all_done() const { return static_cast<int>(box.jobs().size()) == put_; }
  bool at_zero() const { return box.replicas() == 0; }

  RedisServer mail, push;
  Sandbox box;
  int put_ = 0;
};

TEST_F(TwoQueuesDaemonTest, ABacklogInEitherTakesItToFiveAndBackToZeroWithEveryJobDoneOnce) {
  EXPECT_THAT(box.docktor("config validate").out, HasSubstr("push: "));
  box.start();
  put(mail, 1000);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves() << "\n" << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  EXPECT_THAT(box.decisions(true).at(1)["observations"].dump(), HasSubstr("queue.mail.backlog"));

  put(push, 1000);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return at_zero(); })) << box.moves();
  EXPECT_THAT(box.moves(), HasSubstr("1→0 0→1 1→3 3→5 5→4")) << "the same on the other queue";
  for (const auto* queue : {&mail, &push}) {
    put(*queue, 1);
    ASSERT_TRUE(eventually([&] { return all_done(); })) << box.log();
    ASSERT_TRUE(eventually([&] { return at_zero(); })) << box.moves();
  }
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
  EXPECT_THAT(box.status()["queue"].dump(), HasSubstr("push: redis://"));
  EXPECT_THAT(box.status()["observation"].dump(), HasSubstr("queue.push.backlog"));
}

TEST_F(TwoQueuesDaemonTest, OneServerThatIsDownIsNamedAndTheOthersJobsStillWakeIt) {
  box.start();
  put(mail, 1);
  put(push, 1);
  ASSERT_TRUE(eventually([&] { return all_done() && at_zero(); })) << box.log();
  push.kill();
  ASSERT_TRUE(eventually([&] {
    return box.status()["why_nothing_happens"].dump().find("push: ") != std::string::npos;
  })) << box.status();
  put(mail, 5);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.log();
  EXPECT_EQ(box.replicas(), 1) << "the first, and nothing is given back while push is silent";
  EXPECT_THAT(box.decisions(true).back()["reason"].dump(),
              HasSubstr("waiting in mail (nothing is known of push)"));
  push.start();
  ASSERT_TRUE(eventually([&] { return at_zero(); })) << box.status();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

}  // namespace
}  // namespace docktor::test
