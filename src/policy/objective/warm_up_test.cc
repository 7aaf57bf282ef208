#include "policy/objective/warm_up.h"

#include <gtest/gtest.h>

namespace docktor::objective {
namespace {

// Fourteen replicas of which ten began three seconds ago: one second's work of theirs, and its variance by chance.
struct Growing {
  WarmUp warm_up;
  Time now{std::chrono::hours(1)};
  std::deque<Time> young = std::deque<Time>(10, now - std::chrono::seconds(3));
  void see(double worth, int times, double variance = 0.8) {
    for (int i = 0; i < times; ++i) warm_up.add(young, now, 1, 14, worth, variance);
  }
  double missing() const { return warm_up.missing(young, now); }
};

TEST(WarmUp, HalfSpeedIsBelievedAfterTwoSamples) {
  Growing g;
  g.see(9, 2);
  EXPECT_GT(g.missing(), 3);
  g.see(9, 5);
  EXPECT_NEAR(g.missing(), 5, 1);
  EXPECT_NEAR(g.warm_up.worked(5), 2.5, 0.5);
}

TEST(WarmUp, FullSpeedIsNone) {
  Growing g;
  g.see(14, 60);
  EXPECT_EQ(g.missing(), 0);
  EXPECT_EQ(g.warm_up.worked(60), 60);
}

// As where full speed itself was learned from replicas that were warming up.
TEST(WarmUp, NothingIsBelievedOfWhatCannotBeKnown) {
  Growing g;
  g.see(9, 3, 50);
  EXPECT_EQ(g.missing(), 0);
}

// Full speed was taken for too little: the young seemed faster than others. That must not hide for long that they are
// slower.
TEST(WarmUp, FasterThanFullSpeedIsNoLastingBelief) {
  Growing g;
  g.see(19, 60);
  EXPECT_EQ(g.missing(), 0);
  g.see(9, 40);
  EXPECT_GT(g.missing(), 2);
}

TEST(WarmUp, ThoseThatBeganWithinASampleWorkedForHalfOfIt) {
  Growing g;
  g.young.assign(10, g.now);
  g.see(9, 60);  // 4 at full speed, 10 at full speed for half of it
  EXPECT_NEAR(g.warm_up.worked(5), 0, 0.6);
  Growing whole;
  whole.see(9, 60);
  EXPECT_NEAR(whole.warm_up.worked(5), 2.5, 0.3);
}

}  // namespace
}  // namespace docktor::objective
