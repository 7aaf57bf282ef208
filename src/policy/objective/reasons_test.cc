#include "policy/objective/reasons.h"

#include <gtest/gtest.h>

namespace docktor::objective {
namespace {

TEST(Reasons, TellNumbersWithTheirUnits) {
  const Told t{112, 1.93, 5, 60.02, 19.98, 1.5};
  EXPECT_EQ(
      adding(t, 6),
      "112 messages waiting (oldest 1.9 s, goal 5 s); 60 msg/s arriving, 20 msg/s per replica: adding 6 "
      "(start-up 1.5 s)");
  EXPECT_EQ(
      enough({1, 0.02, 3, 200.4, 20, 1}, 1),
      "1 message waiting (oldest 20 ms, goal 3 s); 200 msg/s arriving, 20 msg/s per replica: 1 replica is "
      "enough");
}

TEST(Reasons, SayAboutWhatIsGuessed) {
  Told t{112, 1.93, 5, 60.02, 19.98, 1.5};
  t.flows_guessed = t.capacity_guessed = true;
  EXPECT_EQ(
      situation(t),
      "112 messages waiting (oldest about 1.9 s, goal 5 s); about 60 msg/s arriving, about 20 msg/s per "
      "replica");
  EXPECT_EQ(capacity_text(1 / 600.0, true), "a job takes about 10 min");
}

TEST(Reasons, UseUnitsThatFitLongJobs) {
  EXPECT_EQ(situation({0, 0, 60, 0.025, 1 / 52.0, 10}),
            "no message waiting; 1.5 msg/min arriving, a job takes 52 s");
  EXPECT_EQ(capacity_text(1 / 600.0), "a job takes 10 min");
}

}  // namespace
}  // namespace docktor::objective
