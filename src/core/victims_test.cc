#include "core/victims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docktor {
namespace {

using testing::ElementsAre;

TEST(Victims, AreUnhealthyThenOutdatedThenStartingThenLeastBusyThenNewest) {
  const std::vector<Candidate> all{
      {.id = "busy", .busy = 90, .age_order = 1},
      {.id = "idle-old", .busy = 3.2, .age_order = 2},
      {.id = "idle-new", .busy = 3.4, .age_order = 3},  // the same percent
      {.id = "outdated", .outdated = true, .busy = 99, .age_order = 4},
      {.id = "starting", .starting = true, .age_order = 5},
      {.id = "unhealthy", .unhealthy = true, .busy = 100, .age_order = 0},
  };
  EXPECT_THAT(victims(all, 99),
              ElementsAre("unhealthy", "outdated", "starting", "idle-new", "idle-old", "busy"));
  EXPECT_THAT(victims(all, 2), ElementsAre("unhealthy", "outdated"));
  EXPECT_THAT(victims(all, 0), ElementsAre());
}

TEST(Victims, OneThatWasNotSampledMayBeBusyAndGoesAfterTheOthers) {
  EXPECT_THAT(victims({{.id = "a", .age_order = 9}, {.id = "b", .busy = 80, .age_order = 1}}, 1),
              ElementsAre("b"));
  EXPECT_THAT(victims({{.id = "old", .age_order = 1}, {.id = "new", .age_order = 2}}, 1), ElementsAre("new"))
      << "where nobody is sampled the newest goes";
}

}  // namespace
}  // namespace docktor
