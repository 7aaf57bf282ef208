// The main job on RabbitMQ with everything real: server, daemon, the example's workers in Python. Every job is
// accounted for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/daemon/sandbox.h"
#include "tests/rabbitmq/reader.h"
#include "tests/support/missing.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class RabbitEndToEnd : public RabbitTest {
 protected:
  void SetUp() override {
    RabbitTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const Ran pika = box.run("/usr/bin/python3 -c 'import pika'");
    if (pika.code == 0) return;
    SKIP_FOR_WANT_OF("no pika: apt-get install python3-pika");
  }

  std::string url() const { return "amqp://guest:guest@" + shared_server().url().substr(7) + "/"; }

  void configure(int min, const std::string& queue, const std::string& policy, int milliseconds) {
    box.write("password", "guest\n");
    box.write("docktor.yaml",
              fmt::format(R"(services:
  - name: consumer
    min_replicas: {}
    max_replicas: 5
    check_interval: 1s
    metrics_window: 2s
{}
    queue: {{kind: rabbitmq, url: "{}", user: guest, password_file: password, management_url: "{}", queue: {}}}
    target:
      kind: process
      command: [/usr/bin/python3, "{}/worker.py"]
      ready_after: 100ms
      environment: {{AMQP_URL: "{}", QUEUE: {}, PROCESS_TIME_MS: "{}", RECORD_FILE: "{}"}}
)",
                          min, policy, shared_server().url(), shared_server().management_url(), queue,
                          DOCKTOR_EXAMPLE, url(), queue, milliseconds, box.record_file()));
  }

  void produce(const std::string& queue, const std::string& run, int count, double rate) {
    const Ran ran =
        box.run("/usr/bin/python3 " DOCKTOR_EXAMPLE "/producer.py", {{"AMQP_URL", url()},
                                                                     {"QUEUE", queue},
                                                                     {"RUN_ID", run},
                                                                     {"COUNT", std::to_string(count)},
                                                                     {"RATE", fmt::format("{}", rate)}});
    ASSERT_EQ(ran.code, 0) << ran.out;
  }

  void expect_each_once(const std::string& run, int count) {
    ASSERT_TRUE(eventually([&] { return box.all_processed(run, count); }, 2 * kPatience))
        << box.processed(run).size() << " of " << count << "\n"
        << box.log();
    for (const auto& [number, times] : box.processed(run))
      EXPECT_EQ(times, 1) << "job " << number << " of " << run;
  }

  Sandbox box;
};

constexpr auto kRules = R"(    rules:
      scale_up_when: [{metric: queue.backlog, op: ">", value: 50}]
      scale_down_when: [{metric: queue.backlog, op: "<=", value: 5}, {metric: queue.num_ack_pending, op: "<", value: 1}])";

TEST_F(RabbitEndToEnd, BacklogScalesUpByTwoAndIdlenessDownByOneAndNoJobIsLost) {
  configure(1, "steps", kRules, 20);
  produce("steps", "held", 1500, 1e5);
  box.start();
  expect_each_once("held", 1500);
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("2→1"); }, 2 * kPatience))
      << box.moves() << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1");
  for (const auto& d : box.decisions(true)) EXPECT_EQ(d["outcome"], "done") << d;
  EXPECT_THAT(box.docktor("daemon status").out + box.log() + box.docktor("explain --json --tail 100").out,
              Not(HasSubstr("guest:guest")));
}

TEST_F(RabbitEndToEnd, FromZeroTheFirstJobWakesAndBackToZeroWithoutLosingOne) {
  configure(0, "zero", kRules, 50);
  box.start();
  {
    RabbitClient client(shared_server());
    client.declare("zero");
  }
  for (int round = 0; round < 3; ++round) {
    const auto run = fmt::format("round{}", round);
    ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }, 2 * kPatience)) << box.log();
    produce("zero", run, 5, 1e5);
    expect_each_once(run, 5);
  }
}

TEST_F(RabbitEndToEnd, AnObjectiveWorksAndAServerThatIsDownIsHeld) {
  configure(1, "goal", "    objective: {max_wait: 5s}", 20);
  box.start();
  produce("goal", "steady", 3000, 150);  // one worker carries 50 a second at most
  expect_each_once("steady", 3000);
  bool grew = false;
  for (const auto& d : box.decisions(true)) grew |= d["target_replicas"] >= 2;
  EXPECT_TRUE(grew) << box.moves();
  shared_server().stop();
  EXPECT_TRUE(eventually([&] { return box.log().find("queue:") != std::string::npos; })) << box.log();
  const int held = box.replicas();
  EXPECT_GE(held, 1);
  shared_server().start();
  EXPECT_TRUE(eventually([&] { return box.log().find("the queue answers again") != std::string::npos; }))
      << box.log();
  produce("goal", "after", 50, 1e5);
  ASSERT_TRUE(eventually([&] { return box.all_processed("after", 50); }, 2 * kPatience)) << box.log();
}

}  // namespace
}  // namespace docktor::test
