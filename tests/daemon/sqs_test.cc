// The main job with SQS: daemon, the example's worker with boto3, a real ElasticMQ. It accounts for every job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/daemon/sandbox.h"
#include "tests/sqs/elasticmq.h"
#include "tests/support/missing.h"

namespace docktor::test {
namespace {

class SqsDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (ElasticMq::is_there()) return;
    SKIP_FOR_WANT_OF("ElasticMQ is not there: scripts/fetch-elasticmq.sh");
  }
  void start(const ElasticMq& server, const std::string& policy, const std::string& job_ms) {
    box.write("docktor.yaml", fmt::format(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 5
    check_interval: 500ms
    sample_interval: 250ms
    metrics_window: 2s
    {}
    queue: {{kind: sqs, url: "{}", poll_interval: 250ms, access_key: x, secret_key: topsecret}}
    target:
      kind: process
      command: [/usr/bin/python3, "{}"]
      environment: {{QUEUE_URL: "{}", AWS_ENDPOINT: "{}", AWS_DEFAULT_REGION: us-east-1, AWS_ACCESS_KEY_ID: x,
                    AWS_SECRET_ACCESS_KEY: x, PROCESS_TIME_MS: "{}", RECORD_FILE: "{}"}}
)",
                                          policy, server.queue("jobs"), DOCKTOR_SQS_WORKER,
                                          server.queue("jobs"), server.url(), job_ms, box.path("jobs")));
    box.start();
  }
  // By ten at a time: all are there before the first worker has finished many.
  void send(const ElasticMq& server, int count) {
    while (count > 0) {
      auto entries = ElasticMq::Json::array();
      for (int i = 0; i < 10 && count > 0; ++i, --count)
        entries.push_back({{"Id", std::to_string(i)}, {"MessageBody", std::to_string(put++)}});
      server.call("SendMessageBatch", {{"QueueUrl", server.queue("jobs")}, {"Entries", entries}});
    }
  }
  std::map<int, int> done() const {
    std::map<int, int> out;
    std::ifstream in(box.path("jobs"));
    for (int n; in >> n;) ++out[n];
    return out;
  }
  bool all_done() const { return static_cast<int>(done().size()) == put; }

  Sandbox box;
  int put = 0;
};

TEST_F(SqsDaemonTest, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  const ElasticMq server;
  start(server, R"(rules:
      scale_up_when: [{metric: queue.backlog, op: ">", value: 50}]
      scale_down_when: [{metric: queue.backlog, op: "<=", value: 5}])",
        "20");
  EXPECT_EQ(box.replicas(), 0);
  EXPECT_TRUE(eventually([&] {
    return box.status().dump().find("queue jobs is not there yet") != std::string::npos;
  })) << box.status();
  server.create("jobs");
  send(server, 500);
  ASSERT_TRUE(eventually([&] { return box.replicas() == 5; })) << box.moves() << box.log();
  ASSERT_TRUE(eventually([&] { return all_done(); })) << done().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  EXPECT_THAT(box.status().dump(), testing::HasSubstr("345600 requests a day"));
  send(server, 1);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.log();
  for (const auto& [job, times] : done()) EXPECT_EQ(times, 1) << "job " << job;
  EXPECT_THAT(box.log() + box.docktor("config show").out, testing::Not(testing::HasSubstr("topsecret")));
}

// SQS tells neither what comes nor what is done: both follow from what waits and what is in hand.
TEST_F(SqsDaemonTest, AnObjectiveServesItAndGoesBackToZero) {
  const ElasticMq server;
  server.create("jobs");
  start(server, "objective: {max_wait: 15s}", "100");  // longer than any start: else one replica stays
  send(server, 500);                                   // 50 s of one replica's work
  ASSERT_TRUE(eventually([&] { return box.replicas() > 1; })) << box.moves() << box.log();
  ASSERT_TRUE(eventually([&] { return all_done(); })) << done().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }, 2 * kPatience)) << box.moves() << box.log();
  for (const auto& [job, times] : done()) EXPECT_EQ(times, 1) << "job " << job;
}

}  // namespace
}  // namespace docktor::test
