#include "queues/rabbitmq/arrivals_count.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace docktor {
namespace {

// A step is 5 s; what waits is 2 s newer than the counters.
class ArrivalsCountTest : public testing::Test {
 protected:
  struct Load {
    int published, dead_lettered, done, lost = 0;  // each second
  };
  std::uint64_t steps(int count, Load load) {
    for (int i = 0; i < count; ++i) {
      std::uint64_t told_publish = 0, told_delivered = 0;
      for (int second = 0; second < 5; ++second) {
        arrived_ += load.published + load.dead_lettered;
        publish_ += load.published;
        const auto there = static_cast<int>(waiting_) + load.published + load.dead_lettered - load.lost;
        const int out = std::min(there, load.done);
        waiting_ = static_cast<std::uint64_t>(there - out);
        delivered_ += out;
        if (second == 2) told_publish = publish_, told_delivered = delivered_;
      }
      const ArrivalsCount::Figures now{told_publish, told_delivered, waiting_};
      const auto before = count_.total(told_publish);
      if (begun_)
        count_.step(now);
      else
        count_.begin(now);
      begun_ = true;
      EXPECT_GE(count_.total(told_publish), before);
      told_ = told_publish;
    }
    return count_.total(told_);
  }

  ArrivalsCount count_;
  bool begun_ = false;
  std::uint64_t arrived_ = 0, publish_ = 0, delivered_ = 0, waiting_ = 0, told_ = 0;
};

TEST_F(ArrivalsCountTest, PublishAloneWhereAllIsPublishedWhateverTheLoadDoes) {
  for (const Load load :
       {Load{100, 0, 90}, {0, 0, 100}, {400, 0, 100}, {50, 0, 400}, {1000, 0, 0}, {3, 0, 1000}}) {
    EXPECT_EQ(steps(8, load), told_);
    EXPECT_FALSE(count_.by_dead_lettering()) << load.published;
  }
}

TEST_F(ArrivalsCountTest, MessagesThatExpireOrAreDroppedAreArrivalsAllTheSame) {
  EXPECT_EQ(steps(20, {100, 0, 60, 40}), told_);
  EXPECT_FALSE(count_.by_dead_lettering());
}

TEST_F(ArrivalsCountTest, WhatIsDeadLetteredIntoTheQueueCountsAfterTwentySeconds) {
  for (const Load load : {Load{0, 40, 30}, {60, 40, 95}, {0, 40, 40}}) {
    steps(6, load);
    EXPECT_TRUE(count_.by_dead_lettering()) << load.published;
    const auto from = count_.total(told_), truth = arrived_;
    const auto to = steps(10, load);
    EXPECT_NEAR(to - from, arrived_ - truth, 1) << load.published;
  }
}

TEST_F(ArrivalsCountTest, ItEndsWithTheDeadLetteringAndAfterAPurge) {
  steps(6, {0, 40, 30});
  ASSERT_TRUE(count_.by_dead_lettering());
  steps(6, {100, 0, 120});
  EXPECT_FALSE(count_.by_dead_lettering());
  const auto from = count_.total(told_), truth = arrived_;
  const auto to = steps(6, {100, 0, 120});
  EXPECT_EQ(to - from, arrived_ - truth);
  steps(6, {0, 40, 30});
  waiting_ = 0;  // a purge
  steps(10, {0, 40, 30});
  EXPECT_TRUE(count_.by_dead_lettering());
}

TEST_F(ArrivalsCountTest, ABurstThatIsNotCountedYetIsNoDeadLettering) {
  steps(6, {1, 0, 1});
  count_.step({told_, delivered_, waiting_ + 5000});
  EXPECT_FALSE(count_.by_dead_lettering());
  EXPECT_EQ(count_.total(told_), told_);
}

}  // namespace
}  // namespace docktor
