// The model, the picture and the stream of `docktor top`.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "top/events.h"
#include "top/view.h"

namespace docktor::top {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string service(const std::string& name, double wait, bool trouble = false) {
  return fmt::format(
      R"j({{"service":"{}","queue":"nats://h (S/C)","current":3,"ready":2,"starting":1,"target":4,"min":1,"max":10,
          "backlog":1234,"in_hand":3,"rate_in":19.5,"rate_out":18,"oldest_wait":{},"max_wait":5{},
          "decision":{{"id":"d-1","t":1000,"decision":"scale_up","current_replicas":3,"target_replicas":4,
          "reason":"backlog","outcome":"done"}},"why_nothing_happens":"steady"}})j",
      name, wait,
      trouble
          ? R"(,"conditions":[{"condition":"stale","words":"the figures are too old to act on","trouble":true}])"
          : "");
}

Model model() {
  Model m;
  m.host = "host1";
  m.now = 10'000;
  m.take("service", service("orders", 1));
  m.take("service", service("mail", 9, true));
  m.take("services", R"(["orders","mail"])");
  return m;
}

std::size_t width(const std::string& line) {
  std::size_t n = 0;
  bool escape = false;
  for (const char c : line) {
    if (c == '\033') escape = true;
    if (!escape) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (c == 'm') escape = false;
  }
  return n;
}

std::string all(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& l : lines) text += l + "\n";
  return text;
}

TEST(Top, FitsEverySize) {
  auto m = model();
  for (int i = 0; i < 200; ++i)
    m.take("service", service(fmt::format("a-service-with-a-long-name-{}", i), i));
  for (const bool help : {false, true}) {
    m.help = help;
    for (std::size_t columns = 1; columns < 240; columns += 7) {
      for (std::size_t rows = 1; rows < 70; rows += 3) {
        for (const bool utf8 : {false, true}) {
          const auto lines = picture(m, {columns, rows, true, utf8});
          ASSERT_EQ(lines.size(), rows) << columns;
          for (const auto& l : lines) ASSERT_LE(width(l), columns) << l;
        }
      }
    }
  }
}

TEST(Top, TroubleStandsFirstAndIsNotToldByColourAlone) {
  const auto lines = picture(model(), {100, 30, false, true});
  EXPECT_THAT(lines[0], HasSubstr("2 services, 1 in trouble"));
  EXPECT_THAT(lines[2], HasSubstr("⚠mail"));
  EXPECT_THAT(lines[2], HasSubstr("the figures are too old to act on"));
  EXPECT_THAT(lines[3], HasSubstr("orders"));
  EXPECT_THAT(all(lines), Not(HasSubstr("\033")));
  EXPECT_THAT(all(lines), HasSubstr("2 ready, 1 starting, 4 wanted of 1..10"));
  EXPECT_THAT(all(lines), HasSubstr("wait 9.0s (goal 5.0s), 1234 waiting, 3 in hand"));
  EXPECT_THAT(all(picture(model(), {100, 30, true, true})), HasSubstr("\033[31m"));
}

TEST(Top, WithoutUtf8ThereAreLettersAlone) {
  for (const auto& line : picture(model(), {120, 30, false, false})) {
    for (const char c : line) ASSERT_LT(static_cast<unsigned char>(c), 0x80U) << line;
  }
  EXPECT_THAT(all(picture(model(), {120, 30, false, false})), HasSubstr("RRS"));
}

TEST(Top, FilterSortAndChoice) {
  auto m = model();
  EXPECT_EQ(m.chosen()->name, "mail");
  m.move(1);
  EXPECT_EQ(m.chosen()->name, "orders");
  m.move(100);
  EXPECT_EQ(m.chosen()->name, "orders");
  m.filter = "mai";
  EXPECT_THAT(m.shown(), SizeIs(1));
  EXPECT_EQ(m.chosen()->name, "mail");
  m.filter = "none";
  EXPECT_EQ(m.chosen(), nullptr);
  EXPECT_THAT(all(picture(m, {80, 24, false, true})), HasSubstr("Esc shows all"));
  m.filter.clear();
  m.sort = Sort::kName;
  EXPECT_EQ(m.shown()[0]->name, "mail");
  m.reverse = true;
  EXPECT_EQ(m.shown()[0]->name, "orders");
  m.sort = Sort::kWait;
  m.reverse = false;
  EXPECT_EQ(m.shown()[0]->name, "mail");
  for (int i = 0; i < 6; ++i) m.next_sort();
  EXPECT_EQ(m.sort, Sort::kWait);
}

TEST(Top, RubbishIsLeftAsideAndNoTextControlsTheTerminal) {
  auto m = model();
  for (const char* data :
       {"", "[", "null", "3", "[1,2]", "{\"service\":7}", "{\"service\":\"x\",\"conditions\":[1,null,{}]}"})
    m.take("service", data);
  m.take("services", "{}");
  m.take("decision", "[]");
  m.take_history("x", "{\"columns\":3}");
  m.take_history("x", R"({"columns":["t","max"],"points":[1,[2],["a",null]]})");
  m.take_decisions("x", nlohmann::ordered_json::parse("[1,null,{}]"));
  auto bad = nlohmann::json::parse(service("evil\\u001b[2J", 1));
  bad["why_nothing_happens"] = "x\033[31m\ny";
  m.take("service", bad.dump());
  for (const auto& line : picture(m, {120, 40, false, true})) {
    EXPECT_THAT(line, Not(HasSubstr("\033")));
    EXPECT_THAT(line, Not(HasSubstr("\n")));
  }
}

TEST(Top, AServiceThatLeftIsShownNoMore) {
  auto m = model();
  m.take("services", R"(["mail"])");
  EXPECT_EQ(m.services(), 1U);
}

TEST(Top, WhatIsUnknownIsADashNotNought) {
  Model m;
  m.take("service", R"({"service":"a","current":1,"ready":1,"target":1,"min":1,"max":2})");
  EXPECT_THAT(picture(m, {80, 24, false, true})[2], HasSubstr("     -"));
  EXPECT_THAT(table(m), HasSubstr("     -"));
}

TEST(Top, CurvesShowWhatWasAndLeaveOutWhatNobodyKnows) {
  std::vector<std::pair<double, double>> values;
  for (int t = 0; t < 3600; t += 5) values.emplace_back(t, t < 1800 ? 10 : HistoryLine::kUnknown);
  const auto rows = area(values, 0, 3600, 10, 10, 1, true);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].substr(0, 15), "⣿⣿⣿⣿⣿");
  EXPECT_EQ(rows[0].substr(rows[0].size() - 9), "⠀⠀⠀");
  const auto low = area({{0, 0.001}}, 0, 10, 10, 2, 2, true);
  EXPECT_NE(low[1].substr(0, 3), "⠀") << "something is never drawn as nothing";
  EXPECT_EQ(low[0].substr(0, 3), "⠀");
  EXPECT_EQ(area({{1, 5}}, 0, 10, 10, 4, 2, false)[1].find('#') != std::string::npos, true);
  EXPECT_THAT(area({}, 5, 5, 0, 3, 1, true), SizeIs(1));
}

TEST(Top, AQuestionStandsInTheLastLineUntilItIsAnswered) {
  auto m = model();
  m.question = Question{"Pause scaling of mail?", "pause", {}};
  EXPECT_THAT(picture(m, {80, 24, false, true}).back(), HasSubstr("Pause scaling of mail?  y: yes"));
  m.silent = 12;
  EXPECT_THAT(picture(m, {120, 24, false, true}).front(), HasSubstr("has not answered for 12s"));
}

TEST(TopEvents, AStreamInPiecesOfEverySize) {
  const std::string text =
      "retry: 2000\n\n: comment\n\nevent: service\ndata: {\"a\":1}\n\nevent: decision\r\nid: 7\r\ndata: "
      "x\r\n\r\n";
  for (std::size_t size = 1; size < text.size(); ++size) {
    std::vector<std::string> got;
    EventReader reader(
        [&](const std::string& event, const std::string& data) { got.push_back(event + "=" + data); });
    for (std::size_t at = 0; at < text.size(); at += size) ASSERT_TRUE(reader.feed(text.substr(at, size)));
    ASSERT_THAT(got, testing::ElementsAre("service={\"a\":1}", "decision=x")) << size;
  }
  EventReader reader([](const std::string&, const std::string&) {});
  bool good = true;
  for (int i = 0; i < 40 && good; ++i) good = reader.feed(std::string(64 << 10, 'x'));
  EXPECT_FALSE(good) << "a line without end is bounded";
}

}  // namespace
}  // namespace docktor::top
