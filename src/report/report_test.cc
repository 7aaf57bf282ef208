#include "report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "policy/policies.h"
#include "report/test_report.h"
#include "report/text.h"
#include "report/verdict.h"
#include "sim/clairvoyant.h"
#include "sim/study.h"

namespace docktor::report {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// "nan" and "inf" as numbers are printed, not as parts of words.
std::string not_a_number_in(const std::string& text) {
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    }
    if (word == "nan" || word == "inf" || word == "NaN" || word == "Infinity") return word;
    word.clear();
  }
  return "";
}

void expect_sound(const Report& r) {
  const std::string page = html(r);
  const std::string charts = svg(r);
  EXPECT_EQ(mistake_in(page), "");
  EXPECT_EQ(mistake_in(charts), "");
  const auto parsed = nlohmann::json::parse(json(r), nullptr, false);
  EXPECT_FALSE(parsed.is_discarded());
  for (const std::string& text : {page, charts, json(r), table(r)}) EXPECT_EQ(not_a_number_in(text), "");
  const auto from = page.find("id=\"values\">") + 12;
  const auto values =
      nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from), nullptr, false);
  ASSERT_FALSE(values.is_discarded());
  EXPECT_EQ(values["load"].size(), values["bins"].get<std::size_t>());
}

TEST(Report, NamesEveryPolicyInEveryForm) {
  const Report r = made_up(14);
  expect_sound(r);
  for (const Line& l : r.lines) {
    const std::string as_row = ">" + l.policy + "</span>";
    EXPECT_TRUE(has(html(r), as_row)) << l.policy;
    EXPECT_TRUE(has(html(r), "<b>" + l.policy + "</b></label>")) << l.policy;
    EXPECT_TRUE(has(svg(r), ">" + l.policy + "</text>")) << l.policy;
    EXPECT_TRUE(has(table(r), " " + l.policy + " ")) << l.policy;
    if (!l.note.empty()) {
      EXPECT_TRUE(has(html(r), l.note));
      EXPECT_TRUE(has(table(r), l.note));
    }
  }
}

TEST(Report, ShowsEveryNumber) {
  const Report r = made_up(1);
  const sim::RunResult& s = r.lines[0].result;
  const std::vector<std::string> numbers = {"1.12",  // ρ
                                            "1.06",  // to the optimum
                                            "0.12", "1.46", "2.57", "8.91", number(s.over * 100),
                                            "30.5",  // starts an hour: 61 in two hours
                                            "41.5", "14.5", "3.21", "7.89", "65.4",
                                            "1.87"};
  for (const auto& n : numbers) {
    const auto all = table(r, true);
    EXPECT_TRUE(has(all, " " + n + " ") || has(all, " " + n + "\n")) << n;
    EXPECT_TRUE(has(html(r), ">" + n + "<")) << n;
  }
  EXPECT_TRUE(has(html(r), "1.07–1.17")) << "the range over the seeds";
  for (const char* symbol : {"ρ", "θ<sub>U</sub>", "τ<sub>O</sub>", "speedup", "reversals", "over"})
    EXPECT_TRUE(has(html(r).substr(html(r).find("class=\"meanings\"")), symbol)) << symbol;
}

TEST(Report, JsonIsStableAndNamesUnits) {
  const auto parsed = nlohmann::json::parse(json(made_up(2)));
  EXPECT_EQ(parsed["format"], "docktor-simulate/1");
  EXPECT_EQ(parsed["length_seconds"], 7200);
  const auto& p = parsed["policies"][1];
  EXPECT_EQ(p["policy"], "peer1");
  EXPECT_EQ(p["wait_p99_seconds"], 2.57 + 0.31);
  EXPECT_EQ(p["actions_per_hour"], 42);
  EXPECT_EQ(p["tau_o_percent"], 65.4);
  EXPECT_EQ(p["keeps_objective"], true);
  EXPECT_EQ(parsed["clairvoyant_frontier"][2]["wait_p99_seconds"], 0.5);
  EXPECT_EQ(json(made_up(2)), json(made_up(2)));
}

TEST(Report, HeadlineSaysWhatCameOfItInPlainWords) {
  EXPECT_EQ(
      headline(made_up(3)),
      "objective keeps 99.9 % of the messages within 5 s with 1.12 times the least possible replica-seconds "
      "(1.06 times what foresight would need). Of the 2 others 2 keep it too; the cheapest of them, peer1, "
      "needs "
      "1.33 times as many replica-seconds.");
  Report r = made_up(2);
  r.lines[0].result.over = 0.2;
  EXPECT_TRUE(
      has(headline(r), "objective misses the goal: 20.0 % of the messages waited longer than 5 s (1 % may)"))
      << headline(r);
  r = made_up(2);
  r.lines[1].result.replica_seconds = r.lines[0].result.replica_seconds / 2;
  EXPECT_TRUE(has(headline(r), "peer1 needs 0.50 times as many")) << "a peer that wins is told of";
}

TEST(Report, OutsideTextCannotBecomeMarkup) {
  const std::vector<std::string> hostile = {"<script>alert(1)</script>",
                                            "\"><img src=x onerror=alert(1)>",
                                            "</title></svg></script><!--",
                                            "a & b &amp; 'c'",
                                            "\xff\xfe\x80 \xc0\xaf",
                                            std::string("nul\0\x1b[31m\r\n", 11),
                                            "]]>",
                                            "{}{0}{:d}%s"};
  for (const auto& name : hostile) {
    Report r = made_up(2, 600, 20);
    r.load_name = r.world = r.version = name;
    r.lines[1].policy = r.lines[1].note = name;
    expect_sound(r);
    EXPECT_FALSE(has(html(r), "<script>alert")) << name;
    EXPECT_FALSE(has(html(r), "<img")) << name;
    EXPECT_FALSE(has(svg(r), "<script")) << name;
    EXPECT_TRUE(has(html(r), ">" + escaped(name) + "</span>")) << name;
    EXPECT_FALSE(has(table(r), "\x1b")) << "a name must not drive the terminal";
  }
  // Any bytes at all, most of them those that mean something.
  std::uint32_t state = 7;
  const std::string signs = "<>&\"'/!-=;{}\\ \n\t\x01\x7f\x80\xc3\xe2\xf0\xff]#";
  for (int round = 0; round < 100; ++round) {
    std::string name;
    for (int i = 0; i < 24; ++i) {
      state = state * 1664525U + 1013904223U;
      name += (state >> 30U) != 0 ? signs[(state >> 8U) % signs.size()] : static_cast<char>(state >> 16U);
    }
    Report r = made_up(2, 600, 3);
    r.load_name = r.world = r.lines[0].policy = r.lines[1].note = name;
    expect_sound(r);
  }
}

TEST(Report, DegenerateStudiesAreRenderedAllTheSame) {
  Report none;
  expect_sound(none);
  EXPECT_TRUE(has(table(none), "No policy took part"));

  Report r = made_up(1);
  r.frontier.clear();
  r.lines[0].to_optimum = 0;
  expect_sound(r);
  EXPECT_FALSE(has(svg(r), "clairvoyant"));

  r = made_up(2);
  for (Line& l : r.lines) l.result.series.clear();
  expect_sound(r);
  EXPECT_TRUE(has(html(r), "No series was kept"));

  r = made_up(2);
  for (Line& l : r.lines) l.result = {};
  expect_sound(r);
  EXPECT_TRUE(has(html(r), "No message came"));

  r = made_up(3, 600, 1);
  expect_sound(r);
  r = made_up(3);
  r.lines[1].result.series.resize(1);
  r.lines[2].result.series.clear();
  expect_sound(r);
}

TEST(Report, WhatIsNotFiniteIsNeverPrinted) {
  for (const double bad : {kNaN, kInfinity, -kInfinity, 1e300, -1e300, 0.0, -1.0}) {
    Report r = made_up(3);
    r.length = r.max_wait = r.quantile = r.capacity = bad;
    expect_sound(r);
    r = made_up(3);
    r.frontier.push_back({bad, bad});
    Line& l = r.lines[1];
    l.rho_low = l.rho_high = l.p99_low = l.p99_high = l.speedup = l.to_optimum = bad;
    sim::RunResult& s = l.result;
    s.rho = s.replica_seconds = s.p50 = s.p95 = s.p99 = s.max = s.over = s.length = s.mean_replicas = bad;
    s.elasticity = {bad, bad, bad, bad};
    s.series[5] = {s.series[5].at, bad, bad, bad, bad, bad};
    s.series[9].at = bad;
    expect_sound(r);
    std::swap(r.lines[0].result, r.lines[1].result);
    expect_sound(r);
  }
}

TEST(Report, FitsATerminalAndALetter) {
  std::istringstream text(table(made_up(14), true));
  std::string line;
  std::getline(text, line);  // the headline, which the terminal wraps
  while (std::getline(text, line)) EXPECT_LE(columns_of(line), 120u) << line;
  std::istringstream words(table(made_up(14)));
  std::getline(words, line);
  while (std::getline(words, line)) EXPECT_LE(columns_of(line), 80u) << line;
  const auto page = html(made_up(12, 604'800));
  EXPECT_LT(page.size(), 1'500'000u);
  EXPECT_EQ(page.find("http://"), std::string::npos) << "nothing is fetched";
  EXPECT_EQ(page.find("https://"), std::string::npos);
}

TEST(Report, TellsOfARealStudy) {
  const auto load = sim::built_in_load("onoff", 2);
  ASSERT_TRUE(load);
  const auto contender = [](const char* name, double max_wait) {
    sim::Contender c{.name = name};
    c.service.name = "consumer";
    c.service.queue = QueueSpec{};
    c.service.limits = {.min_replicas = 1, .max_replicas = 50};
    c.service.objective = ObjectiveSpec{seconds(max_wait), 0.99};
    c.make = make_policy;
    return c;
  };
  sim::StudySpec study;
  study.load = &*load;
  study.bin = load->length() / 300;
  study.seeds = 2;
  Report r;
  r.load_name = load->name;
  r.length = load->length();
  r.seeds = study.seeds;
  for (const auto& c : {contender("objective", 5), contender("slow", 60)}) {
    const auto outcome = sim::study(study, {c}).front();
    Line l{.policy = c.name, .ours = r.lines.empty(), .result = outcome.mean};
    l.rho_low = outcome.runs[0].rho;
    l.rho_high = outcome.runs[1].rho;
    r.lines.push_back(l);
  }
  expect_sound(r);
  EXPECT_TRUE(has(headline(r), "objective "));
  const std::string rho = ratio(r.lines[0].result.rho);
  EXPECT_TRUE(has(html(r), rho));
  EXPECT_TRUE(has(table(r), rho));
}

}  // namespace
}  // namespace docktor::report
