#include "queues/kafka/sample_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace docktor {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class SampleMakerTest : public testing::Test {
 protected:
  // Partition 0 of t: begin, end, commit (-1: none).
  QueueSample make(std::int64_t begin, std::int64_t end, std::int64_t committed,
                   std::optional<GroupMembers> members = {}) {
    now_ += milliseconds(1000);
    GroupFigures f;
    f.partitions.push_back(
        {{"t", 0}, begin, end, committed < 0 ? std::nullopt : std::optional(committed), false});
    if (members) members->at = now_;
    f.members = members;
    const auto s = maker_.make(now_, f);
    EXPECT_TRUE(s) << s.error().message;
    return s.value_or(QueueSample{});
  }

  SteadyTime now_{};
  SampleMaker maker_{{.topics = {"t"}, .group = "g", .earliest = true}};
};

TEST_F(SampleMakerTest, TheFirstCommitTellsOfAllThatWasReadBeforeIt) {
  EXPECT_EQ(make(5, 25, -1).num_pending, 20u);
  const auto s = make(5, 30, 15);
  EXPECT_EQ(s.num_pending, 15u);
  EXPECT_EQ(s.totals.arrived, 5u);
  EXPECT_EQ(s.totals.settled, 10u);
}

TEST_F(SampleMakerTest, CommitsThatAreAheadOfAnEndReadBeforeThemAreNoTrouble) {
  make(0, 10, 10);
  const auto s = make(0, 20, 23);
  EXPECT_EQ(s.num_pending, 0u);
  EXPECT_EQ(s.totals.settled, 13u);
  EXPECT_EQ(make(0, 25, 24).num_pending, 1u);
}

TEST_F(SampleMakerTest, ACommitThatIsForgottenIsAReset) {
  const auto before = make(0, 10, 10);
  EXPECT_NE(make(0, 10, -1).totals.incarnation, before.totals.incarnation);
}

TEST_F(SampleMakerTest, CommitsThatComeEachFiveSecondsMakeSteps) {
  QueueSample s;
  for (int i = 0; i < 40; ++i) s = make(0, 1000 + i * 10, (i / 5) * 50);
  EXPECT_EQ(s.step, Duration(milliseconds(5000)));
  for (int i = 40; i < 60; ++i) s = make(0, 1000 + i * 10, i * 10);
  EXPECT_EQ(s.step, Duration::zero());
}

TEST_F(SampleMakerTest, WhileTheGroupRebalancesNothingIsGivenOut) {
  make(0, 10, 5, GroupMembers{.count = 2, .rebalancing = false, .at = {}});
  EXPECT_THAT(make(0, 10, 5, GroupMembers{.count = 3, .rebalancing = true, .at = {}}).paused,
              HasSubstr("is rebalancing"));
  make(0, 10, 5, GroupMembers{.count = 3, .rebalancing = true, .at = {}});
  const auto s = make(0, 10, 5, GroupMembers{.count = 3, .rebalancing = false, .at = {}});
  EXPECT_EQ(s.paused, "");
  EXPECT_FALSE(s.rebalancing);
  EXPECT_EQ(s.consumers, 3u);
  EXPECT_TRUE(make(0, 10, 5, GroupMembers{.count = 3, .rebalancing = true, .at = {}}).rebalancing);
  // One that does not end holds nobody up for ever.
  for (int i = 0; i < 70; ++i) make(0, 10, 5, GroupMembers{.count = 3, .rebalancing = true, .at = {}});
  EXPECT_EQ(make(0, 10, 5, GroupMembers{.count = 3, .rebalancing = true, .at = {}}).paused, "");
}

}  // namespace
}  // namespace docktor
