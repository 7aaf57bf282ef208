// The account of a trial itself: what counts as standing still.
#include "tests/workers/account.h"

#include <gtest/gtest.h>

namespace docktor::test {
namespace {

nlohmann::json look(int current, int target, double oldest, int ready) {
  return {{"current_replicas", current},
          {"target_replicas", target},
          {"numbers", {{"oldest_wait", oldest}}},
          {"replicas", {{"current", current}, {"ready", ready}}}};
}

TEST(StandStill, LastsWhileAMessageIsLateAndTheNumberStays) {
  // Late from 15 to 30: the second message joins the first one's time.
  const std::vector<Begun> messages{{10, 20}, {14, 30}, {40, 41}};
  EXPECT_DOUBLE_EQ(longest_stand_still(messages, {{0, 3}, {25, 4}}, 5, 10), 10);
  EXPECT_DOUBLE_EQ(longest_stand_still(messages, {{0, 3}, {25, 3}}, 5, 10), 15);
  EXPECT_DOUBLE_EQ(longest_stand_still(messages, {{0, 3}, {25, 4}}, 20, 10), 0);
}

TEST(StandStill, IsNoneWhereThereIsNoRoom) {
  EXPECT_DOUBLE_EQ(longest_stand_still({{10, 60}}, {{0, 3}, {20, 10}}, 5, 10), 5);
}

TEST(IdleLooks, CountEvaluationsThatHoldWhileTheOldestIsLate) {
  EXPECT_EQ(
      longest_idle_looks({look(3, 3, 9, 3), look(3, 3, 9, 3), look(3, 4, 9, 3), look(4, 4, 9, 4)}, 5, 10), 2);
  EXPECT_EQ(longest_idle_looks({look(3, 3, 9, 3), look(3, 3, 4, 3), look(3, 3, 9, 3)}, 5, 10), 1);
  EXPECT_EQ(longest_idle_looks({look(3, 3, 9, 3), look(3, 3, 9, 3)}, 5, 3), 0);
}

TEST(IdleLooks, NeitherCountNorEndWhileAReplicaStarts) {
  EXPECT_EQ(longest_idle_looks({look(3, 3, 9, 3), look(3, 3, 9, 2), look(3, 3, 9, 3)}, 5, 10), 2);
}

}  // namespace
}  // namespace docktor::test
