#include "core/intervals.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using std::chrono::seconds;

TEST(Intervals, AreTooLongForAGoalWhereTwoChecksEatHalfOfIt) {
  ServiceSpec s;
  s.check_interval = seconds(10);
  EXPECT_EQ(slow_checks(s), "") << "rules have no goal";
  s.objective = ObjectiveSpec{.max_wait = seconds(5)};
  EXPECT_EQ(slow_checks(s),
            "check_interval is 10s and max_wait 5s: messages that come between two checks are late, or "
            "replicas must "
            "stand by for them");
  EXPECT_EQ(quicker_checks(s), "leave check_interval out, and it follows from max_wait; or write 1s or less");
  s.check_interval = seconds(1);
  EXPECT_EQ(slow_checks(s), "");
}

}  // namespace
}  // namespace docktor
