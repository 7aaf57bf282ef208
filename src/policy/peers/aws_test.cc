#include "policy/peers/aws.h"

#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

// Target 100 messages an instance, a point each 60 s.
TEST(Aws, OutAfterThreePointsAboveTheTarget) {
  // Points of 125 at 0, 60 and 120: ceil(2 × 125 / 100).
  EXPECT_EQ(Driver(aws_policy({}), 2).changes_only_at(120, {.pending = 250}), 3);
}

TEST(Aws, APointAtTheTargetBreaksTheRow) {
  Driver d(aws_policy({}), 2);
  EXPECT_EQ(d.until(60, {.pending = 250}), 2);
  EXPECT_EQ(d.until(120, {.pending = 200}), 2);
  EXPECT_EQ(d.changes_only_at(300, {.pending = 250}), 3);  // points 180, 240, 300
}

TEST(Aws, InAfterFifteenPointsBelowNineTenths) {
  // 33.3 at 0, 60, ..., 840: ceil(3 × 33.3 / 100), what keeps the target.
  EXPECT_EQ(Driver(aws_policy({}), 3).changes_only_at(840, {.pending = 100}), 1);
  EXPECT_EQ(Driver(aws_policy({}), 5).changes_only_at(840, {.pending = 210}), 3);
}

TEST(Aws, BetweenNineTenthsAndTheTargetItStays) {
  EXPECT_EQ(Driver(aws_policy({}), 10).until(3600, {.pending = 900}), 10);  // 90 is not below 0.9
  EXPECT_EQ(Driver(aws_policy({}), 4).until(3600, {.pending = 400}), 4);
}

TEST(Aws, NothingWhileInstancesAreNotInService) {
  Driver d(aws_policy({}), 2);
  EXPECT_EQ(d.until(120, {.pending = 500}), 5);
  d.ready = 2;
  EXPECT_EQ(d.until(240, {.pending = 1000}), 5);
  d.ready = 5;
  EXPECT_EQ(d.changes_only_at(300, {.pending = 1000}), 10);
}

TEST(Aws, FromNoneOneAtThePoint) {
  Driver d(aws_policy({.min_replicas = 0}), 0);
  EXPECT_EQ(d.next({}), 0);
  EXPECT_EQ(d.changes_only_at(60, {.pending = 1000}), 1);
}

// Target 16 arrivals a second: 20 an instance at 60, 120 and 180 (none is known at 0): ceil(3 × 20 / 16).
TEST(Aws, ArrivalsForTheBacklog) {
  EXPECT_EQ(Driver(aws_policy({.target = 0, .rate_target = 16}), 3)
                .changes_only_at(180, {.pending = 9, .arrivals = 60}),
            4);
}

TEST(Aws, NeverBelowTheMinimum) { EXPECT_EQ(Driver(aws_policy({.min_replicas = 2}), 5).until(840, {}), 2); }

// Backlog target 100, arrivals target 16. Out where one wants to: 60 arrivals a second are ceil(3 × 20 / 16).
TEST(Aws, OfTwoMetricsTheOneThatWantsMoreCounts) {
  const AwsKnobs both{.target = 100, .rate_target = 16};
  EXPECT_EQ(Driver(aws_policy(both), 3).changes_only_at(180, {.pending = 9, .arrivals = 60}), 4);
  EXPECT_EQ(Driver(aws_policy(both), 3).changes_only_at(120, {.pending = 900, .arrivals = 16}), 9);
}

// In where both want to: the backlog alone would go to 1 at 840, but the arrivals need three.
TEST(Aws, InOnlyWhereBothMetricsAllowIt) {
  const AwsKnobs both{.target = 100, .rate_target = 16};
  EXPECT_EQ(Driver(aws_policy(both), 3).until(3600, {.pending = 10, .arrivals = 47}), 3);
  // From 60 on, where the first rate is known: fifteen points until 900.
  EXPECT_EQ(Driver(aws_policy(both), 3).changes_only_at(900, {.pending = 10, .arrivals = 20}), 2);
}

}  // namespace
}  // namespace docktor::peers
