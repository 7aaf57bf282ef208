#include "provisioner/rate_law.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace docktor {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// What the seed's goroutine provisioner answers, on the test's own clock.
std::optional<int> seed(std::optional<Duration> quiet, int current, double rate) {
  if (!quiet || *quiet >= std::chrono::seconds(2)) return current - 1;
  if (current == 0) return 1;
  const int most = static_cast<int>(std::ceil(rate / 500));
  return current < most ? current + 1 : most;
}

class RateLawTest : public testing::Test {
 protected:
  static Time at(double s) { return time_at(1000 + s); }
  Ruling decide(double s, int current) { return law.decide(at(s), counts(current), {}, true); }
  static ReplicaCounts counts(int n) { return {n, n, 0}; }
  void empty_queue(double s, int current) { law.observe(at(s), counts(current), {}); }

  RateLawRunner law{RateLaw{}, seed};
};

TEST_F(RateLawTest, AYoungBurstHasItsOwnRate) {
  for (int i = 0; i <= 5; ++i) law.received(at(3600 + 0.1 * i), i == 0 ? 0 : 100);
  EXPECT_NEAR(law.rate(), 1000, 260);  // 500 messages within 0.4 s, of which the first came at once
  EXPECT_GT(law.rate(), 1000);
}

TEST_F(RateLawTest, AnHourOfQuietDoesNotMakeABurstLookSlow) {
  law.received(at(0), 10);
  int n = 1;
  for (int i = 0; i < 40; ++i) {
    law.received(at(3600 + 0.1 * i), 300);  // 3,000 a second: six instances
    if (i % 10 == 9) n = decide(3600 + 0.1 * i, n).target;
  }
  EXPECT_EQ(n, 5);  // one more each second; a mean over the hour would be 3/s and need one
}

TEST_F(RateLawTest, NeverScalesBelowZero) {
  empty_queue(0, 0);
  for (int s = 0; s < 20; ++s) EXPECT_EQ(decide(s, 0).target, 0);
  law.received(at(20), 1);
  EXPECT_EQ(decide(20, 0).target, 1);
  for (int s = 30; s < 40; ++s) EXPECT_EQ(decide(s, 0).target, 0);
}

TEST_F(RateLawTest, ClampsWhateverIsAskedFor) {
  RateLaw bounds;
  bounds.max_instances = 3;
  RateLawRunner greedy(bounds, [](auto, int, double) { return 1'000'000; });
  EXPECT_EQ(greedy.decide(at(0), counts(1), {}, true).target, 3);
  RateLawRunner stingy(bounds, [](auto, int, double) { return -1'000'000; });
  stingy.observe(at(0), counts(1), {});
  EXPECT_EQ(stingy.decide(at(0), counts(1), {}, true).target, 0);
}

TEST_F(RateLawTest, DoesNotStopTheLastOneWhileMessagesAreLeft) {
  law.received(at(0), 1);
  QueueSample q;
  q.num_pending = 3;
  law.observe(at(10), counts(1), q);
  EXPECT_EQ(decide(10, 1).target, 1);
  EXPECT_THAT(decide(10, 1).reason, HasSubstr("3 messages pending"));
  q = {};
  q.num_ack_pending = 1;
  law.observe(at(11), counts(1), q);
  EXPECT_EQ(decide(11, 1).target, 1);
  empty_queue(12, 1);
  EXPECT_EQ(decide(12, 1).target, 0);
}

// The message came as the last instance stopped, or it is a retry that the stream dropped as a duplicate: the
// watcher sees nothing of it.
TEST_F(RateLawTest, StartsOneForAMessageThatIsFoundAtZero) {
  QueueSample q;
  q.num_pending = 1;
  law.observe(at(0), counts(0), q);
  EXPECT_EQ(decide(0, 0).target, 1);
}

TEST_F(RateLawTest, MessagesThatAWorkerDiedWithAreWorkOnceTheirAckWaitIsOver) {
  QueueSample q;
  q.num_ack_pending = 2;
  q.redelivered_after = std::chrono::seconds(30);
  law.observe(at(0), counts(0), q);
  EXPECT_EQ(decide(1, 0).target, 0);
  law.observe(at(29), counts(0), q);
  EXPECT_EQ(decide(29, 0).target, 0);
  law.observe(at(30), counts(0), q);
  EXPECT_EQ(decide(30, 0).target, 1);
}

TEST_F(RateLawTest, AYoungBurstStopsNothingForBeingSlow) {
  empty_queue(0, 3);
  law.received(at(0), 1);
  law.received(at(0.1), 10);
  EXPECT_EQ(decide(0.3, 3).target, 3);  // 37/s so far: one would be enough
  EXPECT_THAT(decide(0.3, 3).reason, HasSubstr("a burst began"));
}

TEST_F(RateLawTest, NoReversalWithinASteadyBatch) {
  std::vector<int> seen = {0};
  for (int i = 0; i < 300; ++i) {  // 6,000/s for 3 s
    law.received(at(0.01 * i), 60);
    if (i % 100 == 0) seen.push_back(decide(0.01 * i, seen.back()).target);
  }
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(seen.back(), 3);
}

TEST_F(RateLawTest, AQuietTimeTakesOneAfterTheOther) {
  for (int i = 0; i < 200; ++i) law.received(at(0.01 * i), 19);  // 1,900/s: four
  std::vector<int> seen = {4};
  for (int s = 3; s < 9; ++s) {
    empty_queue(s, seen.back());
    seen.push_back(decide(s, seen.back()).target);
  }
  EXPECT_THAT(seen, testing::ElementsAre(4, 4, 3, 2, 1, 0, 0));
}

TEST_F(RateLawTest, StopsNothingWhileTheQueueDoesNotAnswer) {
  law.received(at(0), 1);
  EXPECT_EQ(law.decide(at(100), counts(2), {}, false).target, 2);
}

TEST_F(RateLawTest, KeepsWhatThereIsWhenTheQuestionThrows) {
  RateLawRunner broken(RateLaw{}, [](auto, int, double) { return std::nullopt; });
  EXPECT_EQ(broken.decide(at(0), counts(4), {}, true).target, 4);
}

TEST_F(RateLawTest, KeepsOneWhereTheConsumerWouldBeDeleted) {
  empty_queue(0, 1);
  EXPECT_EQ(law.decide(at(10), counts(1), {.unfit_for_zero = "it is ephemeral"}, true).target, 1);
}

}  // namespace
}  // namespace docktor
