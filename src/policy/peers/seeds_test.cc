#include "policy/peers/seeds.h"

#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

// Ten seconds alike, the check at the tenth.
int docktor(std::uint64_t pending, double rate, int current = 5) {
  return Driver(docktor_policy({}), current).changes_only_at(10, {.pending = pending, .arrivals = rate});
}

TEST(DocktorsRules, UpByTwoWhenAnyHolds) {
  EXPECT_EQ(docktor(501, 0), 7);
  EXPECT_EQ(docktor(0, 201), 7);
  EXPECT_EQ(docktor(501, 201), 7);
}

TEST(DocktorsRules, DownByOneWhenAllHold) {
  EXPECT_EQ(docktor(100, 149), 4);
  EXPECT_EQ(docktor(100, 150), 5);
  EXPECT_EQ(docktor(101, 149), 5);
}

TEST(DocktorsRules, InBetweenNothing) { EXPECT_EQ(docktor(500, 200), 5); }

// 5 s of 2000: a mean of 1000 at the check at 10; at 20 they have left the window.
TEST(DocktorsRules, MeansOfTenSecondsEachTenSeconds) {
  Driver d(docktor_policy({}), 5);
  d.until(5, {});
  d.until(9, {.pending = 2000});
  EXPECT_EQ(d.next({.pending = 2000}), 7);
  EXPECT_EQ(d.changes_only_at(20, {}), 6);
}

TEST(DocktorsRules, WithoutARateYetNothing) { EXPECT_EQ(Driver(docktor_policy({}), 5).next({}), 5); }

TEST(NatsByExample, FromNoneOneWithTheFirstMessage) {
  Driver d(natsbyexample_policy({}), 0);
  EXPECT_EQ(d.next({}), -1) << "as it is written";
  d.current = 0;
  EXPECT_EQ(d.next({.arrivals = 1}), 1);
}

// 3000 in the first second: a mean of 3000, so up to 6, one a second.
TEST(NatsByExample, OneMoreASecondUpToTheMeanRateOver500) {
  Driver d(natsbyexample_policy({}), 1);
  d.next({});
  d.current = 1;
  for (const int expected : {2, 3, 4, 5, 6, 6}) EXPECT_EQ(d.next({.arrivals = 3000}), expected);
}

// 2600 in second 1 and 4 more until second 4: a mean of 651, so 2 at once.
TEST(NatsByExample, FewerAtOnceWhenTheMeanFalls) {
  Driver d(natsbyexample_policy({}), 0);
  d.next({});
  d.current = 4;
  EXPECT_EQ(d.next({.arrivals = 2600}), 5);
  EXPECT_EQ(d.next({}), 6) << "the mean is taken when a message comes";
  d.current = 5;
  EXPECT_EQ(d.next({}), 4) << "nothing for 2 s";
  EXPECT_EQ(d.next({.arrivals = 4}), 2);
}

TEST(NatsByExample, OneFewerASecondWhenNothingComes) {
  Driver d(natsbyexample_policy({}), 0);
  d.next({});
  d.current = 3;
  EXPECT_EQ(d.next({.arrivals = 2000}), 4);
  EXPECT_EQ(d.next({}), 4) << "1 s is not 2";
  EXPECT_EQ(d.next({}), 3);
  EXPECT_EQ(d.next({}), 2);
}

TEST(NatsByExample, TheMeanIsSinceTheStart) {
  Driver d(natsbyexample_policy({}), 0);
  d.until(9, {});
  d.current = 1;
  EXPECT_EQ(d.next({.arrivals = 6000}), 2);  // 600/s over 10 s: at most 2
  EXPECT_EQ(d.next({.arrivals = 100}), 2);
}

}  // namespace
}  // namespace docktor::peers
