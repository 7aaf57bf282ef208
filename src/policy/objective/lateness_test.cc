#include "policy/objective/lateness.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace docktor::objective {
namespace {

constexpr double kShare = 0.005;

TEST(Lateness, IsCountedAgainstWhenAMessageWasBegun) {
  // Ten messages came evenly from 12 to 2 s ago; all of them were begun within the last 10 s: each had waited 2 s.
  EXPECT_DOUBLE_EQ(late_of({{10, 12, 2}}, 10, 10, 1.9), 10);
  EXPECT_DOUBLE_EQ(late_of({{10, 12, 2}}, 10, 10, 2.1), 0);
  // Begun within one second: they had waited from 11 to 2 s.
  EXPECT_DOUBLE_EQ(late_of({{10, 12, 2}}, 10, 1, 6.5), 5);
  // Of a run only what was begun counts, the oldest first.
  EXPECT_DOUBLE_EQ(late_of({{10, 12, 2}}, 5, 1, 0), 5);
  EXPECT_DOUBLE_EQ(late_of({{4, 30, 20}, {10, 12, 2}}, 8, 1, 15), 4);
  EXPECT_DOUBLE_EQ(late_of({{10, 12, 2}}, 0, 1, 0), 0);
  EXPECT_DOUBLE_EQ(late_of({}, 5, 1, 0), 0);
}

TEST(Lateness, NothingLateAllowsMoreAndMoreSurprises) {
  Lateness l;
  const double before = l.allowed(kShare);
  EXPECT_GT(before, kShare);
  for (int i = 0; i < 100; ++i) l.add(10, 0, true, 1);
  EXPECT_GT(l.allowed(kShare), 10 * before);
}

TEST(Lateness, SurprisesThatAreLateAllowNoMoreThanMayBeLate) {
  Lateness l;
  for (int i = 0; i < 100; ++i) l.add(10, 10, true, 1);
  EXPECT_NEAR(l.allowed(kShare), kShare, 0.05 * kShare);
  // One in ten is, and the rest is in time.
  Lateness few;
  for (int i = 0; i < 100; ++i) few.add(10, 1, true, 1);
  EXPECT_NEAR(few.allowed(kShare), 10 * kShare, kShare);
}

TEST(Lateness, TheNewestSampleCountsFromTheNextOn) {
  Lateness l;
  l.add(10, 0, true, 1);
  l.add(10, 0, true, 1);
  const double before = l.allowed(kShare);
  Lateness other = l;
  l.add(1000, 1000, true, 1);
  other.add(0, 0, false, 1);
  EXPECT_DOUBLE_EQ(l.allowed(kShare), other.allowed(kShare));
  EXPECT_GE(l.allowed(kShare), before);
}

TEST(Lateness, IsForgottenAndOutlivesARestart) {
  Lateness l;
  for (int i = 0; i < 100; ++i) l.add(10, 10, true, 1);
  nlohmann::json state;
  l.save(state);
  Lateness again;
  again.restore(state);
  EXPECT_DOUBLE_EQ(again.allowed(kShare), l.allowed(kShare));
  again.restore({{"came", -1}, {"late", "x"}, {"next", {1}}});  // rubbish leaves it as it is
  EXPECT_DOUBLE_EQ(again.allowed(kShare), l.allowed(kShare));
  for (int i = 0; i < 24 * 60; ++i) l.add(10, 0, true, 60);
  EXPECT_GT(l.allowed(kShare), 0.1);
}

}  // namespace
}  // namespace docktor::objective
