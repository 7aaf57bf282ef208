#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "report/curve.h"
#include "report/labels.h"
#include "report/scale.h"
#include "report/text.h"

namespace docktor::report {
namespace {

TEST(Text, NumbersKeepThreeDigits) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(0.0004), "<0.001");
  EXPECT_EQ(number(0.042), "0.042");
  EXPECT_EQ(number(0.3), "0.30");
  EXPECT_EQ(number(9.996), "10.0");
  EXPECT_EQ(number(99.96), "100");
  EXPECT_EQ(number(4210.4), "4,210");
  EXPECT_EQ(number(31'400), "31.4k");
  EXPECT_EQ(number(2.5e6), "2.50M");
  EXPECT_EQ(trimmed(2.5e6), "2.5M");
  EXPECT_EQ(trimmed(5), "5");
  EXPECT_EQ(trimmed(20), "20");
  EXPECT_EQ(trimmed(100), "100");
  EXPECT_EQ(number(NAN), "–");
  EXPECT_EQ(number(-HUGE_VAL), "–");
}

TEST(Text, AShareWithinIsNeverRoundedUp) {
  EXPECT_EQ(percent_within(0), "100");
  EXPECT_EQ(percent_within(0.001), "99.9");
  EXPECT_EQ(percent_within(0.00019), "99.98");
  EXPECT_EQ(percent_within(0.00001), "99.99");
  EXPECT_EQ(percent_within(1e-9), "99.99");
  EXPECT_EQ(percent_within(0.2), "80");
}

TEST(Text, SpansAreInTheirUnit) {
  EXPECT_EQ(span(0.05), "50 ms");
  EXPECT_EQ(span(5), "5 s");
  EXPECT_EQ(span(90), "90 s");
  EXPECT_EQ(span(300), "5 min");
  EXPECT_EQ(span(86'400), "24 h");
  EXPECT_EQ(span(604'800), "7 d");
}

TEST(Text, CleansAndCuts) {
  EXPECT_EQ(clean("a\x1b[1m"), "a\xEF\xBF\xBD[1m");
  EXPECT_EQ(clean("\xC0\xAF\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(clean("größe 队列 🚀"), "größe 队列 🚀");
  EXPECT_EQ(cut("natsbyexample", 8), "natsbye…");
  EXPECT_EQ(cut("队列队列", 5), "队列…");
  EXPECT_EQ(escaped("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

TEST(Scale, TimeTicksAreInWholeUnits) {
  const auto last = [](double length) { return time_ticks(length, 7).back().label; };
  EXPECT_EQ(last(60), "60 s");
  EXPECT_EQ(last(600), "10 min");
  EXPECT_EQ(last(7200), "120 min");
  EXPECT_EQ(last(86'400), "24 h");
  EXPECT_EQ(last(604'800), "7 d");
  for (double length = 1; length < 1e8; length *= 1.37) {
    const auto t = time_ticks(length, 7);
    EXPECT_GE(t.size(), 2u) << length;
    EXPECT_LE(t.size(), 8u) << length;
  }
}

TEST(Scale, HasSomeTicksWithinItsEnds) {
  for (const ScaleKind kind : {ScaleKind::kLinear, ScaleKind::kLog, ScaleKind::kCounts}) {
    for (double high = 1.5; high < 1e9; high *= 2.3) {
      const Scale s{kind, kind == ScaleKind::kLog ? 0.1 : 0, high, 100, 0};
      const auto all = ticks(s, 4);
      EXPECT_GE(all.size(), 2u) << static_cast<int>(kind) << " " << high;
      EXPECT_LE(all.size(), 9u) << static_cast<int>(kind) << " " << high;
      for (const Tick& t : all) EXPECT_TRUE(t.value >= s.low && t.value <= high * 1.001) << t.label;
      EXPECT_EQ(s.at(high), 0);
      EXPECT_EQ(s.at(HUGE_VAL), 0);
      EXPECT_EQ(s.at(NAN), 100);
    }
  }
}

TEST(Curve, ThinningKeepsEveryExtreme) {
  std::vector<Spot> spots;
  for (int i = 0; i < 10'000; ++i) spots.push_back({i * 0.1, static_cast<double>(i % 7)});
  spots[1234].y = 100;
  spots[8765].y = -50;
  const auto thin = thinned(spots, 1000, 500);
  EXPECT_LE(thin.size(), 1002u);
  const auto with = [&](double y) {
    return std::any_of(thin.begin(), thin.end(), [&](auto s) { return s.y == y; });
  };
  EXPECT_TRUE(with(100));
  EXPECT_TRUE(with(-50));
  EXPECT_EQ(thin.front().x, 0);
  EXPECT_EQ(thin.back().x, spots.back().x);
  EXPECT_TRUE(std::is_sorted(thin.begin(), thin.end(), [](auto a, auto b) { return a.x < b.x; }));
  const Band band = banded(spots, 1000, 250);
  EXPECT_EQ(band.mean.size(), 250u);
  EXPECT_EQ(
      std::max_element(band.greatest.begin(), band.greatest.end(), [](auto a, auto b) { return a.y < b.y; })
          ->y,
      100);
  EXPECT_EQ(
      std::min_element(band.least.begin(), band.least.end(), [](auto a, auto b) { return a.y < b.y; })->y,
      -50);
}

TEST(Curve, PathsAreWhatTheySay) {
  EXPECT_EQ(straight({{0, 10}, {1.5, 7}, {3, 12.25}}), "M0 10l1.5-3 1.5 5.3 ");
  EXPECT_EQ(stepped({{0, 10}, {1, 10}, {2, 5}, {3, 5}}), "M0 10H2V5H3");
  EXPECT_EQ(filled({{0, 10}, {2, 5}, {3, 5}}, 20), "M0 20L0 10H2V5H3V20Z");
  EXPECT_EQ(stepped({}), "");
  EXPECT_EQ(straight({}), "");
}

TEST(Labels, NeverOverlapEvenWhereAllPointsAreOne) {
  for (const double width : {370.0, 1000.0}) {
    const Box area{46, 26, width - 60, 330};
    std::vector<Label> labels;
    for (int i = 0; i < 24; ++i) labels.push_back({width / 2 + i % 3, 150.0 + i % 2, 60.0 + i % 5 * 12});
    place(labels, area, 15, {});
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const Box& b = labels[i].box;
      ASSERT_GT(b.width, 0) << i;
      EXPECT_TRUE(b.left >= area.left && b.left + b.width <= area.left + area.width) << i;
      EXPECT_TRUE(b.top >= area.top && b.top + b.height <= area.top + area.height) << i;
      for (std::size_t k = 0; k < i; ++k) EXPECT_FALSE(b.overlaps(labels[k].box)) << i << " " << k;
      for (const Label& p : labels) EXPECT_FALSE(b.overlaps({p.x - 5, p.y - 5, 10, 10})) << i;
    }
  }
}

TEST(Labels, AreLeftOutWhereThereIsNoRoom) {
  std::vector<Label> labels = {{10, 10, 500}};
  place(labels, {0, 0, 100, 100}, 15, {});
  EXPECT_EQ(labels[0].box.width, 0);
}

}  // namespace
}  // namespace docktor::report
