#include "sim/decide.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace docktor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Config config() {
  ServiceSpec s;
  s.name = "consumer";
  s.limits.min_replicas = 1;
  s.limits.max_replicas = 10;
  s.queue = QueueSpec{};
  s.objective = ObjectiveSpec{};
  s.check_interval = std::chrono::seconds(1);
  Config c;
  c.services.push_back(s);
  s.name = "other";
  c.services.push_back(s);
  return c;
}

const char* kLine =
    R"({"t":12.0,"service":"consumer","replicas":{"current":3,"ready":2},"queue":{"num_pending":840,"num_ack_pending":2,)"
    R"("delivered_consumer_seq":5120,"delivered_stream_seq":5120,"last_seq":5960,"num_waiting":0}})";

std::vector<nlohmann::ordered_json> answers(const std::string& text, const Config& with = config()) {
  std::istringstream in(text);
  std::ostringstream out;
  EXPECT_EQ(run_decide(in, out, with), 0);
  std::istringstream lines(out.str());
  std::vector<nlohmann::ordered_json> all;
  for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::ordered_json::parse(line));
  return all;
}

TEST(Decide, AnswersTheIssuesLineWithTheJournalsRecord) {
  const auto all = answers(std::string(kLine) + "\n");
  ASSERT_EQ(all.size(), 1u);
  std::vector<std::string> keys;
  for (const auto& [key, v] : all[0].items()) keys.push_back(key);
  EXPECT_EQ(keys[0], "t");
  EXPECT_THAT(keys, testing::IsSupersetOf({"service", "current_replicas", "decision", "target_replicas",
                                           "reason", "observations"}));
  EXPECT_THAT(keys,
              testing::Not(testing::Contains(testing::AnyOf("ts", "outcome", "duration_ms", "metadata"))));
  EXPECT_EQ(all[0]["t"], 12.0);
  EXPECT_EQ(all[0]["current_replicas"], 3);
}

TEST(Decide, AnswersBadLinesWithTheirNumberAndGoesOn) {
  const auto all = answers("nonsense\n\n{\"t\":1}\n" + std::string(kLine));
  ASSERT_EQ(all.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i]["line"], i + 1);
    EXPECT_TRUE(all[i]["error"].is_string());
  }
  EXPECT_EQ(all[3]["decision"], "hold");
}

TEST(Decide, RefusesATimeThatDoesNotAdvanceServiceByService) {
  std::string other = kLine;
  other.replace(other.find("\"consumer\""), 10, "\"other\"");
  const auto all = answers(std::string(kLine) + "\n" + kLine + "\n" + other + "\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_THAT(all[1]["error"].get<std::string>(), HasSubstr("12.0 is not later"));
  EXPECT_EQ(all[1]["line"], 2);
  EXPECT_TRUE(all[2].contains("decision"));
}

TEST(Decide, ABadLineChangesNothing) {
  const auto with = answers(
      std::string(kLine) + "\n" + R"({"t":13,"service":"consumer","replicas":{"current":-1}})" + "\n" +
      R"({"t":14,"service":"consumer","replicas":{"current":3,"ready":3},"queue":{"num_pending":900,"num_ack_pending":3,"delivered_consumer_seq":5200}})");
  const auto without = answers(
      std::string(kLine) + "\n" +
      R"({"t":14,"service":"consumer","replicas":{"current":3,"ready":3},"queue":{"num_pending":900,"num_ack_pending":3,"delivered_consumer_seq":5200}})");
  ASSERT_EQ(with.size(), 3u);
  ASSERT_EQ(without.size(), 2u);
  EXPECT_EQ(with[2], without[1]);
}

TEST(Decide, NamesTheServiceThatWasMeant) {
  std::string typo = kLine;
  typo.replace(typo.find("consumer"), 8, "consumre");
  EXPECT_THAT(answers(typo)[0]["error"].get<std::string>(), HasSubstr("did you mean consumer?"));
}

TEST(Decide, AnswersALineOfAnyLength) {
  const std::string longest(2 * Decider::kMaxLine, 'x');
  const auto all = answers(longest + "\n" + kLine);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_THAT(all[0]["error"].get<std::string>(), HasSubstr("longer than"));
  EXPECT_TRUE(all[1].contains("decision"));
}

TEST(Decide, KnowsTheCalendarAndWhatAllServicesMayHave) {
  Config c = config();
  c.max_total_replicas = 7;
  c.services[0].schedule = {{"0 8 * * *", std::chrono::hours(1), "UTC", 4, {}}};
  const auto line = [](double t, const char* service, int current) {
    return fmt::format(
        R"({{"t":{},"service":"{}","replicas":{{"current":{},"ready":{}}},"queue":{{"num_pending":0}}}})"
        "\n",
        t, service, current, current);
  };
  const double eight = 8 * 3600;  // of 1970-01-01
  const auto all =
      answers(line(eight - 1, "consumer", 1) + line(eight, "consumer", 1) + line(eight, "other", 5), c);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["target_replicas"], 1);
  EXPECT_EQ(all[1]["target_replicas"], 4);
  EXPECT_THAT(all[1]["reason"].get<std::string>(), HasSubstr("schedule 0 8 * * *, until Thu 09:00 UTC"));
  EXPECT_LE(all[2]["target_replicas"], 3) << "4 of 7 are the other's";
}

}  // namespace
}  // namespace docktor
