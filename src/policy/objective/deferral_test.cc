#include "policy/objective/deferral.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
  EXPECT_EQ(least_with_work_put_off({.slack = 20, .start = 10, .replicas = 1}), 1) << "silence decides that";
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

TEST(Deferral, IsTriedWhileALoadMovesAndAfterAFailureForLessAlone) {
  const auto at = [](double minutes) { return Time(seconds(60 * minutes)); };
  Tries t;
  EXPECT_FALSE(t.open(at(0), 9.5)) << "nothing has moved yet";
  t.ordered(at(1), true, false, 9.5);
  EXPECT_TRUE(t.open(at(10), 9.5));
  EXPECT_FALSE(t.open(at(17), 9.5)) << "a load that is steady is left alone";
  t.ordered(at(10), false, true, 9.5);
  t.ordered(at(13), true, false, 9.6);
  Tries again;
  nlohmann::json state;
  t.save(state);
  again.restore(state);
  for (const Tries& each : {t, again}) {
    EXPECT_FALSE(each.open(at(14), 9.5));
    EXPECT_TRUE(each.open(at(14), 7.9));
    EXPECT_FALSE(each.open(at(14), 11.2));
  }
  t.ordered(at(200), true, false, 9.5);
  EXPECT_TRUE(t.open(at(200), 9.5));
}

TEST(Deferral, WhatIsSavedWronglyIsNotUsed) {
  for (const char* text : {"null", "3", R"({"changed": "x", "failed": [], "level": -1, "under_way": 7})"}) {
    Tries t;
    t.restore(nlohmann::json::parse(text));
    EXPECT_FALSE(t.open(Time(seconds(1)), 9.5));
  }
}

}  // namespace
}  // namespace docktor::objective
