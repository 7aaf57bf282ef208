#include "policy/objective/deferral.h"

#include <gtest/gtest.h>

namespace docktor::objective {
namespace {

TEST(Deferral, NineAndTenInTurnServeWhatKeepsNineAndAHalfBusy) {
  // In 50 s half a replica's work is 25 replica-seconds; nine that may fall behind by 45 s each take it easily.
  EXPECT_EQ(least_with_work_put_off({.level = 9.5, .slack = 45, .start = 10, .replicas = 10}), 9);
  EXPECT_EQ(least_with_work_put_off({.level = 9.0, .slack = 45, .start = 10, .replicas = 10}), 9)
      << "never less than are busy";
}

TEST(Deferral, NothingIsPutOffWhereAStartTakesTheTime) {
  EXPECT_EQ(least_with_work_put_off({.level = 9.5, .slack = 0, .start = 10, .replicas = 10}), std::nullopt);
  EXPECT_EQ(least_with_work_put_off({.level = 9.5, .slack = -3, .start = 10, .replicas = 10}), std::nullopt);
  EXPECT_EQ(least_with_work_put_off({.level = 9.5, .slack = 1, .start = 10, .replicas = 10}), 10)
      << "nine fall behind by 25 replica-seconds, and 9 may wait";
  EXPECT_EQ(least_with_work_put_off({.level = 0.9, .slack = 20, .start = 10, .replicas = 1}), 1)
      << "nobody works nothing off";
}

TEST(Deferral, ABacklogIsWorkedOffFirst) {
  EXPECT_EQ(least_with_work_put_off({.waiting = 100, .level = 9.5, .slack = 45, .start = 10, .replicas = 10}),
            9);
  EXPECT_EQ(least_with_work_put_off({.waiting = 120, .level = 9.5, .slack = 45, .start = 10, .replicas = 10}),
            std::nullopt);
}

TEST(Deferral, WhatIsNotKnownWellCountsAsMore) {
  EXPECT_EQ(least_with_work_put_off({.level = 9.5, .error = 8, .slack = 45, .start = 10, .replicas = 10}),
            10);
}

}  // namespace
}  // namespace docktor::objective
