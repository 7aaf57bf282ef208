// `docktor savings` on a journal whose figures are known.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class SavingsTest : public testing::Test {
 protected:
  SavingsTest() {
    box.write("docktor.yaml", R"(services:
  - name: w
    max_replicas: 8
    objective: {max_wait: 2s}
    queue: {kind: http, url: "http://127.0.0.1:9/stats", backlog: /w, arrivals: /a}
    target: {kind: process, command: [sleep, "1000"]}
)");
  }

  // Two replicas and 30 messages a second for so many seconds, until now; `numbers` as a policy records them.
  void journal(int seconds, const std::string& numbers = R"({"capacity": 20.0, "start_up": 1.0})",
               bool counts = true) {
    box.start();
    ASSERT_EQ(box.docktor("daemon stop --replicas").code, 0);
    std::string file = box.run("find . -name decisions.jsonl").out;
    file.erase(file.find('\n'));
    std::ofstream out(box.path(file), std::ios::trunc);
    const auto now = std::time(nullptr);
    for (int i = 0; i <= seconds; ++i) {
      const double t = static_cast<double>(now - seconds + i) + 0.5;
      json queue = {{"num_pending", 3}, {"num_ack_pending", 2}};
      if (counts) queue.update({{"settled", 30 * i}, {"arrived", 30 * i}});
      const json input = {
          {"t", t}, {"service", "w"}, {"replicas", {{"current", 2}, {"ready", 2}}}, {"queue", queue}};
      json r = {{"ts", "2026-01-01T00:00:00Z"},
                {"id", fmt::format("a-{}", i)},
                {"service", "w"},
                {"decision", "hold"},
                {"current_replicas", 2},
                {"target_replicas", 2},
                {"reason", "x"},
                {"outcome", "none"},
                {"duration", 0.0},
                {"observations", json::object()},
                {"t", t},
                {"replicas", {{"current", 2}, {"ready", 2}, {"failing", 0}}}};
      r["numbers"] = json::parse(numbers);
      r["inputs"] = json::array({input});
      out << r.dump() << "\n";
    }
  }

  Sandbox box;
};

TEST_F(SavingsTest, WhatRanStandsBesideTheOthers) {
  journal(600);
  const auto ran = box.docktor("savings --json --last 1h");
  ASSERT_EQ(ran.code, 0) << ran.out;
  const auto j = json::parse(ran.out)["services"][0];
  EXPECT_EQ(j["service"], "w");
  EXPECT_NEAR(j["seconds"].get<double>(), 600, 1);
  EXPECT_NEAR(j["messages"].get<double>(), 18'000, 40);
  EXPECT_NEAR(j["rows"][0]["replica_seconds"].get<double>(), 1200, 3);
  EXPECT_EQ(j["rows"][0]["simulated"], false);
  EXPECT_EQ(j["rows"][1]["policy"], "always 8");
  EXPECT_NEAR(j["rows"][1]["replica_seconds"].get<double>(), 4800, 10);
  std::string policies;
  for (const auto& row : j["rows"]) policies += row["policy"].get<std::string>() + " ";
  EXPECT_THAT(policies, HasSubstr("objective keda hpa"));
  const auto text = box.docktor("savings --last 5m");
  EXPECT_THAT(text.out, HasSubstr("75% less than 8 replicas all the time"));
  EXPECT_THAT(text.out, testing::ContainsRegex("[45] min"));
}

TEST_F(SavingsTest, OfAQueueThatCountsNothingWhatRanIsTold) {
  journal(600, "{}", false);
  const auto ran = box.docktor("savings --json --last 1h");
  ASSERT_EQ(ran.code, 0) << ran.out;
  const auto j = json::parse(ran.out)["services"][0];
  EXPECT_NEAR(j["seconds"].get<double>(), 600, 1);
  ASSERT_EQ(j["rows"].size(), 2U);
  EXPECT_NEAR(j["rows"][0]["replica_seconds"].get<double>(), 1200, 3);
  EXPECT_NEAR(j["rows"][1]["replica_seconds"].get<double>(), 4800, 10);
  EXPECT_FALSE(j.contains("messages"));
  EXPECT_FALSE(j["rows"][0].contains("p99_wait"));
  EXPECT_THAT(j["notes"].dump(), HasSubstr("does not tell how many messages come"));
  EXPECT_THAT(box.docktor("savings").out, HasSubstr("75% less than 8 replicas all the time"));
}

TEST_F(SavingsTest, WhatCannotBeToldIsSaid) {
  EXPECT_EQ(box.docktor("savings --last soon").code, 2);
  EXPECT_THAT(box.docktor("savings --last soon").out, HasSubstr("give 7d, 24h, 90m"));
  const auto none = box.docktor("savings");
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.out, HasSubstr("w: nothing is recorded yet: no daemon has run"));
  journal(30);
  EXPECT_THAT(box.docktor("savings").out, HasSubstr("something to compare after a minute"));
}

}  // namespace
}  // namespace docktor::test
