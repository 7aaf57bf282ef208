#include "control/history.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <random>

namespace docktor {
namespace {

using namespace std::chrono_literals;

HistoryPoint point(float t, float backlog) {
  HistoryPoint p;
  p.t = t;
  p.backlog = backlog;
  p.rate_in = std::numeric_limits<float>::quiet_NaN();
  return p;
}

TEST(History, IsWhatKeepingEachPointWouldBe) {
  std::mt19937 random(7);
  History history(5s, 50);
  std::deque<HistoryPoint> each;
  float backlog = 0;
  for (int i = 0; i < 500; ++i) {
    if (random() % 6 == 0) backlog = static_cast<float>(random() % 3);
    const auto p = point(static_cast<float>(5 * i), backlog);
    history.put(p);
    each.push_back(p);
    if (each.size() > 50) each.pop_front();
    ASSERT_EQ(history.full(), each.size() == 50);
    ASSERT_NEAR(history.begin(), each.front().t, 0.01);
    const float from = each.front().t + static_cast<float>(random() % 200), to = from + 60;
    std::vector<HistoryPoint> read, wanted;
    history.read(from - 1, to + 1, read);
    for (const auto& e : each) {
      if (e.t >= from - 1 && e.t <= to + 1) wanted.push_back(e);
    }
    ASSERT_EQ(read.size(), wanted.size());
    for (std::size_t k = 0; k < read.size(); ++k) {
      ASSERT_NEAR(read[k].t, wanted[k].t, 0.01);
      ASSERT_EQ(read[k].backlog, wanted[k].backlog);
      ASSERT_TRUE(std::isnan(read[k].rate_in));
    }
  }
}

TEST(History, AHoleInTimeIsNotFilled) {
  History history(5s, 50);
  for (const float t : {0.F, 5.F, 10.F, 600.F, 605.F}) history.put(point(t, 1));
  std::vector<HistoryPoint> read;
  history.read(0, 1000, read);
  ASSERT_EQ(read.size(), 5U);
  EXPECT_NEAR(read[2].t, 10, 0.01);
  EXPECT_NEAR(read[3].t, 600, 0.01);
}

TEST(History, TakesOnePointAStep) {
  History history(5s, 50);
  int due = 0;
  for (int i = 0; i < 200; ++i) due += history.due(time_at(100 + 0.1 * i));
  EXPECT_EQ(due, 4);
}

TEST(HistorySteps, KeepWhatWasBadForAMomentAndTheNewestOfTheRest) {
  HistorySteps steps(0, 100, 10);
  for (int i = 0; i < 100; ++i) {
    HistoryPoint p = point(static_cast<float>(i), i == 33 ? 500.F : 1.F);
    p.oldest_wait = i == 35 ? 9.F : std::numeric_limits<float>::quiet_NaN();
    p.current = static_cast<float>(i);
    steps.put(p);
  }
  const auto got = steps.done();
  ASSERT_EQ(got.size(), 10U);
  EXPECT_EQ(got[3].backlog, 500);
  EXPECT_EQ(got[3].oldest_wait, 9);
  EXPECT_EQ(got[3].current, 39);
  EXPECT_EQ(got[3].t, 39);
  EXPECT_EQ(got[4].backlog, 1);
  EXPECT_TRUE(std::isnan(got[4].oldest_wait));
}

}  // namespace
}  // namespace docktor
