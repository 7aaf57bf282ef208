#include "policy/objective/net_flow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

namespace docktor::objective {
namespace {

constexpr double kIdleWait = 1;

// A queue whose workers take one message at a time, for `job` seconds each, seen once a second.
class Queue {
 public:
  explicit Queue(double job) : job_(job) { now_.at = Time(std::chrono::hours(1)); }

  std::optional<Flow> second(NetFlow& net, double rate, int replicas) {
    const Gauges before = now_;
    const double came = std::poisson_distribution<int>(rate)(random_);
    const double work = now_.pending + now_.in_hand + came;
    const double could = std::poisson_distribution<int>(replicas / job_)(random_);
    const double done = std::min(work, std::min(could, replicas / job_ + 3 * std::sqrt(replicas / job_)));
    const double left = work - done;
    const double busy = left > replicas ? replicas : std::min<double>(replicas, std::round(rate * job_));
    now_.in_hand = std::min(left, busy);
    now_.pending = left - now_.in_hand;
    now_.oldest = rate > 0 ? now_.pending / rate : now_.oldest + 1;
    now_.at += std::chrono::seconds(1);
    now_.replicas = {replicas, replicas, 0, 0};
    came_ += came;
    done_ += done;
    const auto flow = net.between(before, now_, kIdleWait, before.replicas.current == replicas);
    if (flow) {
      EXPECT_GE(flow->arrivals, 0);
      EXPECT_NEAR(flow->arrivals - flow->settled,
                  now_.pending + now_.in_hand - before.pending - before.in_hand, 1e-6)
          << "what the gauges tell for sure";
    }
    return flow;
  }
  const Gauges& now() const { return now_; }
  void purge() { now_.pending = 0; }

 private:
  double job_;
  Gauges now_;
  double came_ = 0, done_ = 0;
  std::mt19937 random_{7};
};

TEST(NetFlow, LearnsHowLongAJobTakesFromReplicasThatComeWhileMessagesWait) {
  for (const double job : {0.05, 0.5, 5.0}) {
    NetFlow net;
    Queue queue(job);
    for (int replicas = 4; replicas <= 32; replicas *= 2) {
      for (int t = 0; t < 15; ++t) queue.second(net, 60 / job, replicas);
    }
    EXPECT_GT(net.in_hand_for(), job * 0.6) << job;
    EXPECT_LT(net.in_hand_for(), job * 2) << job;
    ASSERT_TRUE(net.capacity());
    EXPECT_NEAR(net.capacity()->rate * net.in_hand_for(), 1, 0.2) << "one message in a hand";
  }
}

// With two hands full the queue falls by a known rate; then nothing waits, and what is in hand at an instant is what comes
// times the job's time. The bursts between come at once.
TEST(NetFlow, BacklogsThatEndTellHowLongAJobTakes) {
  NetFlow net;
  Gauges now{Time(std::chrono::hours(1)), {2, 2, 0, 0}, 0, 1, 0};
  std::mt19937 random{7};
  const auto second = [&](double pending, double in_hand, double oldest) {
    const Gauges before = now;
    now.at += std::chrono::seconds(1);
    now.pending = pending;
    now.in_hand = in_hand;
    now.oldest = oldest;
    net.between(before, now, kIdleWait, true);
  };
  // Jobs of 0.1 s: two hands do 20 a second, and 10 come.
  for (int burst = 0; burst < 8; ++burst) {
    second(100, 2, 1);
    while (now.pending > 0) second(now.pending - 10, now.pending > 10 ? 2 : 1, 1 + now.pending / 10);
    for (int t = 0; t < 20; ++t) second(0, std::min(2, std::poisson_distribution<int>(1)(random)), 0);
  }
  EXPECT_LT(net.error(), 0.5);
  EXPECT_NEAR(net.in_hand_for(), 0.1, 0.05);
}

// A hand that is often empty, and nothing that ever waits for long.
TEST(NetFlow, WithoutAnyBacklogAFirstGuessIsMade) {
  NetFlow net;
  Gauges now{Time(std::chrono::hours(1)), {4, 4, 0, 0}, 0, 0, 0};
  std::mt19937 random{7};
  for (int t = 0; t < 60; ++t) {
    const Gauges before = now;
    now.at += std::chrono::seconds(1);
    now.in_hand = std::min(4, std::poisson_distribution<int>(0.5)(random));  // 5 a second, each for 0.1 s
    net.between(before, now, kIdleWait, true);
  }
  ASSERT_TRUE(net.capacity());
  EXPECT_LT(net.in_hand_for(), 3);
  EXPECT_GT(net.in_hand_for(), 0.05);
}

TEST(NetFlow, WhereNobodyWorksAllThatGrowsHasCome) {
  NetFlow net;
  Queue queue(1);
  queue.second(net, 20, 0);
  for (int t = 0; t < 20; ++t) {
    const auto flow = queue.second(net, 20, 0);
    ASSERT_TRUE(flow);
    EXPECT_EQ(flow->settled, 0);
  }
  EXPECT_FALSE(net.capacity()) << "nobody was seen at work";
}

TEST(NetFlow, WithoutABacklogAJobTakesNoLongerThanWhatLeavesWasInHand) {
  NetFlow net;
  Queue queue(0.05);
  for (int t = 0; t < 5; ++t) queue.second(net, 60, 1);  // a first, wide guess
  for (int t = 0; t < 300; ++t) queue.second(net, 60, 8);
  EXPECT_LT(net.in_hand_for(), 1) << "jobs of 50 ms";
  EXPECT_GE(net.in_hand_for(), 0.05);
}

TEST(NetFlow, APurgeIsNoSignOfVeryFastWorkers) {
  NetFlow net;
  Queue queue(0.5);
  for (int replicas = 4; replicas <= 32; replicas *= 2) {
    for (int t = 0; t < 15; ++t) queue.second(net, 120, replicas);
  }
  const double before = net.in_hand_for();
  queue.purge();
  for (int t = 0; t < 30; ++t) queue.second(net, 120, 32);
  EXPECT_GT(net.in_hand_for(), before / 3);
}

TEST(NetFlow, IsTheSameAfterARestartAndIgnoresAnAbsurdState) {
  NetFlow net;
  Queue queue(0.5);
  for (int replicas = 4; replicas <= 16; replicas *= 2) {
    for (int t = 0; t < 15; ++t) queue.second(net, 60, replicas);
  }
  nlohmann::json state;
  net.save(state);
  NetFlow again;
  again.restore(nlohmann::json::parse(state.dump()));
  EXPECT_DOUBLE_EQ(again.in_hand_for(), net.in_hand_for());
  Queue other = queue;
  const auto a = queue.second(net, 60, 16), b = other.second(again, 60, 16);
  ASSERT_TRUE(a && b);
  EXPECT_DOUBLE_EQ(a->arrivals, b->arrivals);

  for (const char* absurd :
       {"[]", "null", R"({"evidence": 3})", R"({"evidence": [1], "arrivals": [], "lately": []})"}) {
    NetFlow fresh;
    fresh.restore(nlohmann::json::parse(absurd));
    EXPECT_EQ(fresh.in_hand_for(), 0) << absurd;
  }
  auto broken = state;
  broken["time"] = {1e300, "x"};
  broken["hand"] = -4;
  NetFlow fresh;
  fresh.restore(broken);
  EXPECT_EQ(fresh.in_hand_for(), 0);
}

TEST(NetFlow, WhereNothingWaitsAndNothingIsInHandNothingComesSoonAfter) {
  NetFlow net;
  Queue queue(0.5);
  for (int t = 0; t < 30; ++t) queue.second(net, 20, 8);
  std::optional<Flow> last;
  for (int t = 0; t < 30; ++t) last = queue.second(net, 0, 8);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->arrivals, 0) << "or the last replica would never go";
}

TEST(NetFlow, NoTimeIsNoFlow) {
  NetFlow net;
  const Gauges one{Time(std::chrono::hours(1)), {1, 1, 0, 0}, 5, 1, 2};
  EXPECT_FALSE(net.between(one, one, kIdleWait, true));
}

}  // namespace
}  // namespace docktor::objective
