// Journals and states of earlier versions are read as they were meant.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/autoscaler.h"
#include "core/record.h"
#include "policy/policies.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::vector<ordered_json> journal() {
  std::ifstream file(DOCKTOR_RECORDED "/journal-0.1.0.jsonl");
  std::vector<ordered_json> records;
  for (std::string line; std::getline(file, line);) records.push_back(ordered_json::parse(line));
  return records;
}

Rule rule(const char* metric, Op op, double value) {
  return {.metric = *metric_named(metric),
          .op = op,
          .value = value,
          .metric_text = metric,
          .value_text = std::to_string(static_cast<int>(value))};
}

// The configuration of the recording, as its "start" record has it.
ServiceSpec recorded_spec() {
  using namespace std::chrono_literals;
  ServiceSpec s;
  s.name = "worker";
  s.limits.min_replicas = 0;
  s.limits.max_replicas = 10;
  s.check_interval = s.metrics_window = 2s;
  s.sample_interval = 500ms;
  s.rules = RulesSpec{{rule("queue.backlog", Op::kGreater, 500), rule("queue.rate_in", Op::kGreater, 200)},
                      {rule("queue.backlog", Op::kLessEqual, 100), rule("queue.rate_in", Op::kLess, 150)}};
  s.queue = QueueSpec{.kind = "nats", .identity = "nats EVENTS WEB_WORKERS"};
  return s;
}

TEST(Recorded, InputsAreReadAndWrittenAsTheyStand) {
  int lines = 0;
  for (const auto& record : journal()) {
    for (const auto& line : record.value("inputs", ordered_json::array())) {
      const auto input = input_from_json(json::parse(line.dump()));
      ASSERT_TRUE(input) << input.error().message;
      EXPECT_EQ(to_line(to_json(input->second, input->first)), to_line(line));
      ++lines;
    }
  }
  EXPECT_GE(lines, 30);
}

TEST(Recorded, EveryDecisionIsMadeAgain) {
  const auto spec = recorded_spec();
  std::optional<Autoscaler> again;
  int checked = 0, moved = 0;
  for (const auto& r : journal()) {
    if (r.value("event", "") == "start") {
      again.emplace(spec, make_policy(spec));
      again->restore(json::parse(r["state"].dump()), time_at(r["t"].get<double>()));
      continue;
    }
    ASSERT_TRUE(again);
    for (const auto& line : r["inputs"]) {
      const auto in = input_from_json(json::parse(line.dump()));
      ASSERT_TRUE(in);
      again->observe(in->second);
    }
    const auto& c = r["replicas"];
    const Decision d =
        again->evaluate(time_at(r["t"].get<double>()), {c["current"], c["ready"], c["failing"]},
                        overrides_from_json(r.contains("overrides") ? json(r["overrides"]) : json()));
    EXPECT_EQ(to_string(d.action), r["decision"].get<std::string>());
    EXPECT_EQ(d.target, r["target_replicas"]);
    // Not the reason: its words may get better.
    ++checked;
    moved += d.action != Action::kHold;
  }
  EXPECT_GE(checked, 20);
  EXPECT_GE(moved, 6);
}

TEST(Recorded, AStateIsTakenUpAndWrittenAgainAsItStands) {
  std::ifstream file(DOCKTOR_RECORDED "/state-0.1.0.json");
  const json state = json::parse(file);
  const auto spec = recorded_spec();
  Autoscaler scaler(spec, make_policy(spec));
  scaler.restore(state, time_at(4e9));
  // Of each sample only what means are made of is kept since.
  json before = state["meter"], after = scaler.save()["meter"];
  ASSERT_EQ(before["samples"].size(), after["samples"].size());
  for (std::size_t i = 0; i < before["samples"].size(); ++i) {
    json &was = before["samples"][i], &is = after["samples"][i];
    EXPECT_EQ(is["replicas"]["current"], was["input"]["replicas"]["current"]);
    was.erase("input");
    is.erase("replicas");
  }
  EXPECT_EQ(after, before);
  EXPECT_EQ(scaler.save()["queue"], state["queue"]);
}

}  // namespace
}  // namespace docktor
