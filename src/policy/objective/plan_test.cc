// How many replicas the deadlines ask for, by hand.
#include "policy/objective/plan.h"

#include <gtest/gtest.h>

namespace docktor::objective {
namespace {

TEST(Plan, AMessageMoreHidesNoneThatIsLate) {
  Outlook o;
  o.capacity = 100;
  o.ready = 4;
  o.patience = 0.2;
  o.waiting = {{24, 0.75, 0.3}};
  EXPECT_EQ(replicas_enough(o), 4);
  o.waiting = {{44, 0.75, 0}};
  EXPECT_EQ(replicas_enough(o), 4);
}

TEST(Plan, AMessageOfALongJobNeedsAHandAndNoMore) {
  Outlook o;
  o.capacity = 0.02;
  o.ready = 5;
  o.start_up = {0.2, 0.2, 0.2};
  o.patience = 1.9;
  o.waiting = {{1, 0.5, 0.5}};
  EXPECT_EQ(replicas_short(o), 1);
  o.starting = {{1, {0.2, 0.2, 0.2}}};
  EXPECT_EQ(replicas_short(o), 0) << "one is on its way";
}

}  // namespace
}  // namespace docktor::objective
