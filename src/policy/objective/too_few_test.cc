#include "policy/objective/too_few.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace docktor::objective {
namespace {

constexpr double kStart = 10;

Time at(double t) { return Time{} + std::chrono::hours(1) + seconds(t); }

TEST(InUse, TheMostWithinATimeIsKnownOnceSamplesGoBackSoFar) {
  InUse u;
  EXPECT_EQ(u.most(at(0), 10), std::numeric_limits<double>::infinity()) << "no sample";
  u.add(at(0), 3);
  EXPECT_EQ(u.most(at(5), 10), std::numeric_limits<double>::infinity());
  u.add(at(10), 7);
  u.add(at(20), 2);
  EXPECT_EQ(u.most(at(20), 20), 7);
  EXPECT_EQ(u.most(at(20), 5), 2);
  nlohmann::json saved;
  u.save(saved);
  InUse again;
  again.restore(saved);
  EXPECT_EQ(again.most(at(20), 20), 7);
  EXPECT_EQ(again.most(at(20), 5), 2);
  again.clear();
  again.add(at(25), 1);
  EXPECT_EQ(again.most(at(30), 10), std::numeric_limits<double>::infinity()) << "a gap";
}

// Ten replicas were too few for 9.9 at `t`.
void note(TooFew& f, double t) {
  f.seen(at(t - 60), 10, false);
  f.note(at(t), 9.9, 0.5);
}

TEST(TooFew, AreTriedAgainWhenNoMoreHadWorkForSomeStartsAndLaterEachTimeTheyFail) {
  TooFew f;
  InUse used;
  note(f, 0);
  double t = 0;
  used.add(at(t), 11);
  // Seconds from the last use of all eleven until ten may be tried.
  const auto waits = [&] {
    const double from = t;
    while (f.least(at(t), 9.9, 0.5, used, kStart) > 10) used.add(at(t += kStart), 6);
    return t - from;
  };
  const double first = waits();
  EXPECT_GE(first, kStart);
  note(f, t);
  used.add(at(t), 11);
  const double second = waits();
  EXPECT_GE(second, 4 * first) << "it failed, and the load was the same";
  EXPECT_EQ(f.least(at(t), 5, 0.5, used, kStart), 0) << "a lighter load needs no trial";
  note(f, t);
  used.add(at(t), 11);
  EXPECT_LE(waits(), second + kStart) << "the load was less meanwhile: that time grows anew";
}

}  // namespace
}  // namespace docktor::objective
