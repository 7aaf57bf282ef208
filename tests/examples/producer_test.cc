// The example's producer against a real server: its rate, its burst, and that what it says is published is
// stored, once.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "tests/examples/program.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

class ProducerTest : public testing::Test {
 protected:
  std::unique_ptr<Program> start(std::map<std::string, std::string> environment) {
    environment.emplace("NATS_URL", server_.url());
    environment.emplace("RECORD_FILE", record());
    environment.emplace("RUN_ID", "r");
    return std::make_unique<Program>(mark_, output(), std::vector<std::string>{DOCKTOR_PRODUCER},
                                     environment);
  }
  std::string record() const { return (dir_.path() / "record").string(); }
  std::string output() const { return (dir_.path() / "output").string(); }

  NatsServer server_;
  TempDir dir_;
  MarkedProcesses mark_;
};

TEST_F(ProducerTest, MakesTheStreamAndPublishesEachMessageOnceInOrder) {
  const auto producer = start({{"COUNT", "200"}, {"RATE", "5000"}});
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  NatsClient client(server_.url());
  const auto stream = client.stream("EVENTS");
  EXPECT_EQ(stream["state"]["messages"], 200);
  EXPECT_EQ(stream["config"]["storage"], "file");
  EXPECT_EQ(stream["config"]["max_age"], 24LL * 3600 * 1'000'000'000);
  EXPECT_EQ(stream["config"]["subjects"], nlohmann::json::array({"events.web"}));
  const auto records = counts(records_in(record()));
  EXPECT_EQ(records.size(), 200u);
  for (const auto& [sequence, n] : records) EXPECT_EQ(n, 1) << sequence;
}

TEST_F(ProducerTest, MessagesAreDueAtTheirOwnInstantWhateverTheMachineDoes) {
  const auto producer = start({{"COUNT", "100"}, {"RATE", "250"}});
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  auto records = records_in(record());
  ASSERT_EQ(records.size(), 100u);
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.sequence < b.sequence; });
  for (std::size_t i = 1; i < records.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(records[i].intended_ns - records[i - 1].intended_ns), 4e6, 1e3) << i;
  }
}

TEST_F(ProducerTest, BurstsForAWhileInEachIntervalButTheFirst) {
  const auto producer = start({{"COUNT", "340"},
                               {"RATE", "100"},
                               {"BURST_RATE", "500"},
                               {"BURST_INTERVAL", "1"},
                               {"BURST_DURATION", "0.4"}});
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  EXPECT_NE(producer->output().find("🔥 Starting burst mode for 0.4 seconds"), std::string::npos)
      << producer->output();
  std::map<int, int> by_tenth;
  auto records = records_in(record());
  ASSERT_EQ(records.size(), 340u);
  std::int64_t start_ns = records[0].intended_ns;
  for (const auto& r : records) start_ns = std::min(start_ns, r.intended_ns);
  for (const auto& r : records)
    ++by_tenth[static_cast<int>((static_cast<double>(r.intended_ns - start_ns) + 1e5) / 1e8)];
  for (int tenth = 0; tenth < 17; ++tenth) {
    const bool burst = tenth >= 10 && tenth < 14;
    EXPECT_NEAR(by_tenth[tenth], burst ? 50 : 10, 1) << tenth;
  }
}

TEST_F(ProducerTest, MayBeSilentBetweenItsBursts) {
  const auto producer = start({{"COUNT", "60"},
                               {"RATE", "0"},
                               {"BURST_RATE", "100"},
                               {"BURST_INTERVAL", "0.5"},
                               {"BURST_DURATION", "0.2"}});
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  auto records = records_in(record());
  ASSERT_EQ(records.size(), 60u);
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.sequence < b.sequence; });
  EXPECT_EQ(records[19].intended_ns - records[0].intended_ns, 190'000'000);
  EXPECT_EQ(records[20].intended_ns - records[0].intended_ns, 500'000'000);
  EXPECT_EQ(records[40].intended_ns - records[0].intended_ns, 1'000'000'000);
}

TEST_F(ProducerTest, EveryMessageIsStoredOnceThoughTheServerDies) {
  const auto producer = start({{"COUNT", "2000"}, {"RATE", "1000"}});
  ASSERT_TRUE(eventually([&] { return records_in(record()).size() > 300; })) << producer->output();
  server_.kill();
  ASSERT_TRUE(producer->says("Lost the connection"));
  server_.start();
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  EXPECT_EQ(counts(records_in(record())).size(), 2000u);
  NatsClient client(server_.url());
  EXPECT_EQ(client.stream("EVENTS")["state"]["messages"], 2000);
}

TEST_F(ProducerTest, WaitsForItsServer) {
  server_.stop();
  const auto producer = start({{"COUNT", "10"}});
  ASSERT_TRUE(producer->says("Waiting for NATS"));
  server_.start();
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
}

TEST_F(ProducerTest, WhatItPublishedIsConfirmedWhenItIsToldToStop) {
  const auto producer = start({{"RATE", "2000"}});
  ASSERT_TRUE(eventually([&] { return !records_in(record()).empty(); })) << producer->output();
  producer->signal(SIGTERM);
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  NatsClient client(server_.url());
  EXPECT_EQ(client.stream("EVENTS")["state"]["messages"], counts(records_in(record())).size());
}

TEST_F(ProducerTest, RefusesAnAbsurdRate) {
  const auto producer = start({{"RATE", "fast"}});
  EXPECT_EQ(producer->exit_code(), 2);
  EXPECT_NE(producer->output().find("RATE=fast: must be a number"), std::string::npos) << producer->output();
}

TEST_F(ProducerTest, NeverShowsAPassword) {
  auto url = server_.url();
  url.insert(url.find("://") + 3, "joe:hush@");
  const auto producer = start({{"NATS_URL", url}, {"COUNT", "1"}});
  EXPECT_EQ(producer->exit_code(), 0) << producer->output();
  EXPECT_EQ(producer->output().find("hush"), std::string::npos) << producer->output();
}

}  // namespace
}  // namespace docktor::test
