// The main job on Kafka with everything real: broker, daemon, the example's workers in Python. Every record is accounted
// for.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sandbox.h"
#include "tests/kafka/reader.h"
#include "tests/support/missing.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

class KafkaEndToEnd : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const Ran client = box.run("/usr/bin/python3 -c 'import confluent_kafka'");
    if (client.code == 0) return;
    SKIP_FOR_WANT_OF("no confluent_kafka: apt-get install python3-confluent-kafka");
  }

  // Each topic has a group of its own: members that another test has killed stay in theirs until their session is over, and
  // the next ones may have another assignor.
  void configure(int min, const std::string& topic, const std::string& policy, int milliseconds) {
    box.write("docktor.yaml",
              fmt::format(R"(services:
  - name: consumer
    min_replicas: {}
    max_replicas: 5
    check_interval: 1s
    metrics_window: 2s
{}
    queue: {{kind: kafka, url: "{}", topic: {}, group: {}-workers, offset_reset: earliest}}
    target:
      kind: process
      command: [{}, "{}/worker.py"]
      ready_after: 100ms
      environment: {{KAFKA_SERVERS: "{}", TOPIC: {}, GROUP: {}-workers, PROCESS_TIME_MS: "{}", RECORD_FILE: "{}"{}}}
)",
                          min, policy, shared_server().url(), topic, topic, python, DOCKTOR_EXAMPLE,
                          shared_server().url(), topic, topic, milliseconds, box.record_file(), environment));
  }

  void produce(const std::string& topic, const std::string& run, int count, double rate = 1e5) {
    const Ran ran =
        box.run("/usr/bin/python3 " DOCKTOR_EXAMPLE "/producer.py", {{"KAFKA_SERVERS", shared_server().url()},
                                                                     {"TOPIC", topic},
                                                                     {"RUN_ID", run},
                                                                     {"COUNT", std::to_string(count)},
                                                                     {"RATE", fmt::format("{}", rate)}});
    ASSERT_EQ(ran.code, 0) << ran.out;
  }

  // A record may come twice, to its partition's next owner, where it was not committed before a rebalance; none is lost.
  void expect_all(const std::string& run, int count) {
    ASSERT_TRUE(eventually([&] { return box.all_processed(run, count); }, 3 * kPatience))
        << box.processed(run).size() << " of " << count << "\n"
        << box.log();
    int twice = 0;
    for (const auto& [number, times] : box.processed(run)) twice += times > 1;
    EXPECT_LE(twice, 20 + count / 10);
  }

  Sandbox box;
  std::string python = "/usr/bin/python3", environment;  // of the workers
};

constexpr auto kRules = R"(    rules:
      scale_up_when: [{metric: queue.backlog, op: ">", value: 50}]
      scale_down_when: [{metric: queue.backlog, op: "<=", value: 5}])";

TEST_F(KafkaEndToEnd, BacklogScalesUpByTwoAndIdlenessDownByOneAndNoRecordIsLost) {
  configure(1, "steps", kRules, 20);
  produce("steps", "held", 1500);
  const auto valid = box.docktor("config validate");
  EXPECT_EQ(valid.code, 0) << valid.out;
  EXPECT_THAT(valid.out, HasSubstr("group steps-workers on steps: 1500 records behind in 12 partitions"));
  box.start();
  expect_all("held", 1500);
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("2→1"); }, 2 * kPatience))
      << box.moves() << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1");
  for (const auto& d : box.decisions(true)) EXPECT_EQ(d["outcome"], "done") << d;
}

TEST_F(KafkaEndToEnd, FromZeroTheFirstRecordWakesAndBackToZeroWithoutLosingOne) {
  configure(0, "zero", kRules, 20);
  box.start();  // there is no topic yet
  for (int round = 0; round < 2; ++round) {
    const auto run = fmt::format("round{}", round);
    ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }, 2 * kPatience)) << box.log();
    produce("zero", run, 5);
    expect_all(run, 5);
  }
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }, 2 * kPatience)) << box.log();
}

// Groups of the new protocol (KIP-848), whose members Debian's library is not told of, on a topic that ends with what
// transactions leave in the log.
TEST_F(KafkaEndToEnd, WorkersOfTheNewProtocolAreScaledAndMarkersOfTransactionsKeepNobody) {
  python = DOCKTOR_KAFKA "/bin/python";
  environment = ", PYTHONPATH: \"" DOCKTOR_KAFKA "/python\", GROUP_PROTOCOL: consumer";
  KafkaAdmin(shared_server().url()).create("anew", 12);
  configure(0, "anew", kRules, 20);
  KafkaTransactions writer(shared_server().url(), "clerk");
  writer.begin();
  writer.send("anew", "booked", 900, 12);
  writer.commit();
  box.start();
  ASSERT_TRUE(eventually([&] { return box.processed("booked").size() > 300; }, 2 * kPatience)) << box.log();
  const auto seen = box.status()["observation"];
  EXPECT_GT(seen["queue.backlog"], 0) << seen;
  EXPECT_FALSE(seen.contains("queue.consumers")) << "not told is not none: " << seen;
  const auto valid = box.docktor("config validate");
  EXPECT_EQ(valid.code, 0) << valid.out;
  EXPECT_THAT(valid.out, HasSubstr("of the new protocol, KIP-848"));
  expect_all("booked", 900);
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); }, 2 * kPatience))
      << box.moves() << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  const auto after = box.status()["observation"];
  EXPECT_EQ(after["queue.backlog"], 0) << after;
  EXPECT_EQ(after["queue.lag"], 12) << "one marker in each partition: " << after;
}

// Members that all stop at each change (the range assignor), and a load that jumps: as far as the samples show, no change
// falls into a rebalance, and what one costs is learned.
TEST_F(KafkaEndToEnd, WhileAnEagerGroupRebalancesNothingChangesAndNoRecordIsLost) {
  environment = ", ASSIGNOR: range";
  configure(1, "eager", "    objective: {max_wait: 5s}", 20);
  box.start();
  const std::pair<int, double> loads[] = {{200, 20}, {1200, 120}, {200, 20}, {1200, 150}};
  for (int i = 0; i < 4; ++i) {
    produce("eager", fmt::format("load{}", i), loads[i].first, loads[i].second);
    expect_all(fmt::format("load{}", i), loads[i].first);
  }
  int moves = 0, seen = 0;
  bool rebalancing = false;
  for (const auto& d : box.decisions()) {
    for (const auto& input : d.value("inputs", Sandbox::Json::array())) {
      if (!input.contains("queue")) continue;
      const bool now = input["queue"].value("rebalancing", false);
      seen += now && !rebalancing;
      rebalancing = now;
    }
    if (d["decision"] == "hold") continue;
    ++moves;
    EXPECT_FALSE(rebalancing) << d;
  }
  EXPECT_GE(moves, 2) << box.moves();
  EXPECT_GE(seen, 1);
  const auto status = box.status();
  EXPECT_GT(status["learned"].value("rebalance", 0.0), 0) << status;
  EXPECT_THAT(status["notes"].dump(), HasSubstr("stand still for about"));
}

TEST_F(KafkaEndToEnd, AnObjectiveWorksAndABrokerThatIsDownIsHeld) {
  configure(1, "goal", "    objective: {max_wait: 10s}", 40);
  box.start();
  produce("goal", "steady", 900, 60);  // one worker carries 25 a second at most
  expect_all("steady", 900);
  bool grew = false;
  for (const auto& d : box.decisions(true)) grew |= d["target_replicas"] >= 2;
  EXPECT_TRUE(grew) << box.moves();
  shared_server().kill();
  EXPECT_TRUE(eventually([&] { return box.log().find("queue: Kafka at ") != std::string::npos; }))
      << box.log();
  EXPECT_GE(box.replicas(), 1);
  shared_server().start();
  EXPECT_TRUE(eventually([&] { return box.log().find("the queue answers again") != std::string::npos; }))
      << box.log();
  produce("goal", "after", 50);
  expect_all("after", 50);
}

// Kafka 4 takes SCRAM from librdkafka 2.6.1 and later only, which Debian 12 does not have: the one that the test's Python
// client brings stands in for it.
TEST_F(KafkaEndToEnd, ScramSignsInWithALibraryThatCanAndAWrongPasswordIsRefused) {
  const Ran found = box.run("ls " DOCKTOR_KAFKA "/python/confluent_kafka.libs/librdkafka-*.so.1");
  ASSERT_EQ(found.code, 0) << found.out;
  const std::map<std::string, std::string> newer{{"LD_PRELOAD", found.out.substr(0, found.out.find('\n'))}};
  produce("scrammed", "three", 3);
  for (const auto& [url, mechanism] : {std::pair{shared_server().sasl_url(), "scram-sha-512"},
                                       std::pair{shared_server().sha256_url(), "scram-sha-256"}}) {
    box.write("docktor.yaml", fmt::format(R"(services:
  - name: consumer
    max_replicas: 1
    rules: {{scale_up_when: [{{metric: queue.backlog, op: ">", value: 5}}]}}
    queue: {{kind: kafka, url: "{}", topic: scrammed, group: g, offset_reset: earliest, user: scram, password_file: password,
            sasl_mechanism: {}}}
    target: {{kind: process, command: [/bin/true]}}
)",
                                          url, mechanism));
    box.write("password", "secret-of-scram\n");
    const auto right = box.run(DOCKTOR_BINARY " config validate", newer);
    EXPECT_EQ(right.code, 0) << right.out;
    EXPECT_THAT(right.out, HasSubstr("user scram is signed in"));
    EXPECT_THAT(right.out, HasSubstr("group g on scrammed: 3 records behind"));
    box.write("password", "sesame\n");
    const auto wrong = box.run(DOCKTOR_BINARY " config validate", newer);
    EXPECT_NE(wrong.code, 0) << wrong.out;
    EXPECT_THAT(wrong.out, HasSubstr(fmt::format("refuses user scram ({})", mechanism)));
    EXPECT_THAT(wrong.out, HasSubstr("check user, password and sasl_mechanism"));
    EXPECT_THAT(wrong.out, testing::Not(HasSubstr("sesame")));
  }
}

}  // namespace
}  // namespace docktor::test
