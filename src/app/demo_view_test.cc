#include "app/demo_view.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

DemoFrame frame(double at, double backlog, int replicas) {
  DemoFrame f;
  f.at = at;
  f.backlog = backlog;
  f.replicas = replicas;
  return f;
}

// What a view without a terminal wrote.
std::string plain(const std::function<void(DemoView&)>& use) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  {
    DemoView::Options options;
    options.out = out;
    DemoView view(options);
    use(view);
  }
  std::fclose(out);
  std::string all(text, size);
  std::free(text);
  return all;
}

TEST(ClockText, CountsMinutesAndHours) {
  EXPECT_EQ(clock_text(4.9), "00:04");
  EXPECT_EQ(clock_text(65), "01:05");
  EXPECT_EQ(clock_text(3723), "1:02:03");
  EXPECT_EQ(clock_text(-1), "00:00");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1500), "1,500");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(Chart, FillsFromTheFootUp) {
  EXPECT_EQ(chart({0, 4, 8, 16}, 16, 2), (std::vector<std::string>{"   █", " ▄██"}));
}

TEST(Chart, ShowsSomethingHoweverLittle) {
  EXPECT_EQ(chart({0, 0.001}, 1000, 1), (std::vector<std::string>{" ▁"}));
}

TEST(Chart, CutsWhatIsAboveItsScale) { EXPECT_EQ(chart({50}, 10, 1), (std::vector<std::string>{"█"})); }

TEST(Columns, GatherTheMaximumOfTheirTime) {
  const std::vector<DemoFrame> frames = {frame(0, 1, 1), frame(4, 9, 1), frame(6, 2, 1), frame(12, 3, 1)};
  EXPECT_EQ(columns_of(frames, &DemoFrame::backlog, 20, 4), (std::vector<double>{9, 2, 3}));
}

TEST(Columns, ShowTheLastKnownWhereNothingWasSeen) {
  const std::vector<DemoFrame> frames = {frame(0, 5, 1), frame(9.5, 7, 1)};
  EXPECT_EQ(columns_of(frames, &DemoFrame::backlog, 10, 5), (std::vector<double>{5, 5, 5, 5, 7}));
}

TEST(Columns, ShrinkWhenTheRunIsLongerThanPlanned) {
  std::vector<DemoFrame> frames;
  for (int i = 0; i <= 40; ++i) frames.push_back(frame(i, i, 1));
  const auto columns = columns_of(frames, &DemoFrame::backlog, 20, 10);
  EXPECT_EQ(columns.size(), 10u);
  EXPECT_EQ(columns.back(), 40);
}

TEST(Clipped, CountsCharactersNotBytesAndNoColours) {
  EXPECT_EQ(clipped("▁▂▃▄", 2), "▁▂");
  EXPECT_EQ(clipped("\033[1mab\033[0m", 2), "\033[1mab\033[0m");
  EXPECT_EQ(clipped("\033[1mabc", 2), "\033[1mab\033[0m");
}

TEST(DemoView, WritesPlainLinesWithoutATerminal) {
  const auto text = plain([](DemoView& view) {
    view.say("hello");
    view.draw(frame(0, 1500, 1));
    view.decided({1.0, "scale_up", 1, 3, "queue.backlog 1500.0 > 500"});
    view.draw(frame(0.25, 1500, 1));  // too soon after the line before
    view.end();
  });
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_NE(text.find("backlog 1,500"), std::string::npos);
  EXPECT_NE(text.find("scale_up    1 → 3"), std::string::npos) << text;
  EXPECT_NE(text.find("queue.backlog 1500.0 > 500"), std::string::npos);
}

TEST(DemoView, ShowsEveryDecisionHoldsIncluded) {
  const auto text = plain([](DemoView& view) {
    view.decided({1, "hold", 1, 1, "no rule matched"});
    view.decided({2, "hold", 1, 1, "no rule matched"});
    EXPECT_EQ(view.decisions().size(), 2u);
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(DemoView, DrawsInPlaceOnATerminalAndGivesTheCursorBack) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  {
    DemoView::Options options;
    options.out = out;
    options.live = true;
    DemoView view(options);
    view.draw(frame(0, 100, 1));
    view.decided({1, "hold", 1, 1, "no rule matched"});
    view.decided({2, "hold", 1, 1, "no rule matched"});
    view.draw(frame(1, 200, 1));
    view.decided({3, "scale_up", 1, 3, "why"});
  }
  std::fclose(out);
  const std::string all(text, size);
  std::free(text);
  EXPECT_TRUE(all.starts_with("\033[?25l"));
  EXPECT_TRUE(all.ends_with("\033[?25h"));
  EXPECT_NE(all.find("A\r\033[J"), std::string::npos);  // the block was taken away before it was drawn again
  EXPECT_NE(all.find("(2 times)"), std::string::npos) << all;  // holds in a row are one line
  EXPECT_LT(all.rfind("(2 times)"), all.rfind("scale_up"));
}

}  // namespace
}  // namespace docktor
