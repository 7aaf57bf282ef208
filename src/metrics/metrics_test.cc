#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "metrics/page.h"
#include "metrics/text.h"

namespace docktor::metrics {
namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(DOCKTOR_SOURCE_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

World world(std::size_t services) {
  World w;
  for (std::size_t i = 0; i < services; ++i) {
    auto f = std::make_shared<ServiceFigures>();
    f->name = "s\"" + std::to_string(i);
    f->queue = "nats://x";
    w.services.push_back(std::move(f));
  }
  w.reduced = services > kMostWhole;
  return w;
}

std::size_t series(const std::string& text) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) n += text[at] != '#';
  return n;
}

TEST(Metrics, ThePageInDocsIsTheTable) {
  const auto page = file("docs/metrics.md");
  EXPECT_EQ(page, with_tables(page)) << "write it with: ninja -C build metrics_reference";
  EXPECT_NE(page.find("| `docktor_queue_backlog` |"), std::string::npos);
}

TEST(Metrics, AFigureWithoutDataHasNoSample) {
  const auto text = to_text(world(1), Format::kPrometheus);
  EXPECT_EQ(text.find("docktor_queue_backlog{"), std::string::npos);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_NE(text.find("docktor_current_replicas{service=\"s\\\"0\"} 0\n"), std::string::npos) << text;
}

// What a queue tells of its dead messages may be how many lie there now, and a person takes them away.
TEST(Metrics, DeadMessagesAreACounter) {
  auto w = world(1);
  ServiceFigures f = *w.services[0];
  const auto text = [&] {
    w.services[0] = std::make_shared<ServiceFigures>(f);
    return to_text(w, Format::kPrometheus);
  };
  WaitMeter meter;
  const auto tell = [&](double dead) {
    Observation seen;
    seen.set(Metric::kQueueDead, dead);
    f.tally.sampled(seen, meter);
  };
  EXPECT_EQ(text().find("docktor_queue_dead_total{"), std::string::npos);
  for (const double dead : {7.0, 9.0, 2.0, 3.0}) tell(dead);
  EXPECT_NE(text().find("docktor_queue_dead_total{service=\"s\\\"0\"} 3\n"), std::string::npos) << text();
}

TEST(Metrics, ABoardBeginsAsTurned) { EXPECT_LT(Board(time_at(0)).idle(), 60); }

TEST(Metrics, AllSeriesOfCountersAreThereFromTheStart) {
  const auto text = to_text(world(1), Format::kPrometheus);
  for (const auto& c : kConditions)
    EXPECT_NE(text.find("condition=\"" + std::string(c.name) + "\"} 0\n"), std::string::npos) << c.name;
  EXPECT_NE(text.find("limit=\"max_replicas\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("docktor_queue_wait_seconds_bucket{service=\"s\\\"0\",le=\"+Inf\"} 0\n"),
            std::string::npos);
}

TEST(Metrics, TheirNumberIsBounded) {
  const auto one = series(to_text(world(1), Format::kPrometheus));
  const auto hundred = series(to_text(world(100), Format::kPrometheus));
  const double each = static_cast<double>(hundred - one) / 99;
  EXPECT_LE(each, 105);
  const auto many = series(to_text(world(kMostWhole + 1), Format::kPrometheus));
  EXPECT_LE(static_cast<double>(many) / (kMostWhole + 1), 66);
}

TEST(Metrics, EveryLimitHasItsCounter) {
  const std::regex named(R"re(limit\(\s*(?:up \? )?"([a-z_]+)")re");
  const auto code = file("src/core/limit_steps.cc");
  std::set<std::string> found, unknown;
  for (auto it = std::sregex_iterator(code.begin(), code.end(), named); it != std::sregex_iterator(); ++it) {
    found.insert((*it)[1]);
    if (std::ranges::find(kLimitNames, (*it)[1].str()) == kLimitNames.end()) unknown.insert((*it)[1]);
  }
  EXPECT_TRUE(unknown.empty()) << *unknown.begin();
  EXPECT_GT(found.size(), 15U) << "limits are named otherwise now";
}

TEST(Metrics, RulesAndDashboardUseOnlyNamesOfTheTable) {
  std::set<std::string, std::less<>> known;
  for (const auto& row : table()) {
    known.emplace(row.name);
    if (row.type != Type::kHistogram) continue;
    for (const char* part : {"_bucket", "_sum", "_count"}) known.insert(std::string(row.name) + part);
  }
  const std::regex name(R"((docktor|process)_[a-z_]+)");
  std::set<std::string> used;
  for (const char* f : {"share/prometheus/docktor.rules.yaml", "share/grafana/docktor.json"}) {
    const auto text = file(f);
    ASSERT_FALSE(text.empty()) << f;
    for (auto it = std::sregex_iterator(text.begin(), text.end(), name); it != std::sregex_iterator(); ++it) {
      EXPECT_TRUE(known.contains(it->str())) << f << ": " << it->str();
      used.insert(it->str());
    }
  }
  EXPECT_GT(used.size(), 25U);
}

TEST(Metrics, TheScraperChoosesTheFormat) {
  EXPECT_EQ(format_for(""), Format::kPrometheus);
  EXPECT_EQ(format_for("*/*"), Format::kPrometheus);
  EXPECT_EQ(format_for("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            Format::kOpenMetrics);
  EXPECT_EQ(format_for("text/plain;version=0.0.4,application/openmetrics-text;q=0.5"), Format::kPrometheus);
  const auto open = to_text(world(1), Format::kOpenMetrics);
  EXPECT_TRUE(open.ends_with("# EOF\n"));
  EXPECT_NE(open.find("# TYPE docktor_wakes counter\n"), std::string::npos);
  EXPECT_NE(open.find("docktor_wakes_total{"), std::string::npos);
  EXPECT_NE(open.find("# UNIT docktor_queue_wait_seconds seconds\n"), std::string::npos);
}

}  // namespace
}  // namespace docktor::metrics
