// Workers as people write them: each habit shows in what the pool does and what its samples tell.
#include <gtest/gtest.h>

#include "sim/pool.h"
#include "sim/worker_text.h"

namespace docktor::sim {
namespace {

World world_of(std::string_view habits) {
  World w;
  w.worker.service_mean = 1;
  w.worker.service_cv = 0;
  w.worker.startup_mean = 4;
  w.worker.startup_sd = 0;
  w.arrivals.exact = true;
  const auto set = set_workers(w, habits);
  EXPECT_TRUE(set) << (set ? "" : set.error().message);
  return w;
}

Load ten_messages() { return {"ten", {{0, 10}, {1, 0}, {100, 0}}}; }

TEST(Workers, ThatFetchTakeManyAtOnce) {
  const Load load = ten_messages();
  Pool pool(world_of("fetch=8"), load, 1, 1, 1);
  pool.advance(0.5);
  const auto first = pool.sample();
  EXPECT_EQ(first.num_ack_pending, 1u);  // it took the first one, which was alone
  pool.advance(2);
  EXPECT_EQ(pool.sample().num_ack_pending, 8u);
  pool.advance(30);
  EXPECT_TRUE(pool.finished());
}

TEST(Workers, ThatPollSeeAMessageLateAndOnlyWhenTheyHadNothingToDo) {
  Load load{"two", {{0, 1}, {2, 0}, {100, 0}}};
  Pool pool(world_of("poll=3s"), load, 1, 1, 1);
  pool.advance(2.5);
  EXPECT_EQ(pool.sample().num_pending, 2u);
  pool.advance(3.5);
  EXPECT_EQ(pool.sample().num_ack_pending, 1u);
  pool.advance(4.5);  // straight on to the second
  EXPECT_EQ(pool.sample().num_ack_pending, 1u);
  EXPECT_EQ(pool.sample().num_pending, 0u);
}

TEST(Workers, MayBeToldReadyEarlyOrLate) {
  const Load load = ten_messages();
  Pool early(world_of("ready_early=3s"), load, 1, 0, 1);
  early.scale(1);
  early.advance(2);
  EXPECT_EQ(early.counts().ready, 1);
  EXPECT_EQ(early.sample().num_ack_pending, 0u);
  early.advance(4.5);
  EXPECT_EQ(early.sample().num_ack_pending, 1u);

  Pool late(world_of("ready_late=2s"), load, 1, 0, 1);
  late.scale(1);
  late.advance(5);
  EXPECT_EQ(late.counts().ready, 0);
  EXPECT_EQ(late.sample().num_ack_pending, 1u);
  late.advance(6.5);
  EXPECT_EQ(late.counts().ready, 1);
}

TEST(Workers, ThatWarmUpAreSlowAtFirst) {
  const Load load = ten_messages();
  Pool pool(world_of("warm_up=10s"), load, 1, 0, 1);
  pool.scale(1);
  pool.advance(4 + 9);  // able at 4: four messages of 2 s
  EXPECT_EQ(pool.begun(), 5u);
  pool.advance(4 + 10 + 3.5);
  EXPECT_EQ(pool.begun(), 9u);  // the rest at 1 s each
}

TEST(Workers, SeeNoMessageBeforeItCanBeSeen) {
  const Load load = ten_messages();
  Pool pool(world_of("seen_late=700ms"), load, 1, 4, 0.69);
  pool.advance(60);
  EXPECT_TRUE(pool.finished());
  EXPECT_EQ(pool.waits().over(), 10u);
}

TEST(Workers, KeepCountsThroughCrashesStopsAndPolls) {
  Load load{"busy", {{0, 20}, {300, 0}, {301, 0}}};
  World w = world_of("fetch=5,poll=500ms,crash=60/h,cv=1,ready_late=1s");
  w.worker.service_mean = 0.2;
  Pool pool(w, load, 3, 2, 1);
  for (int t = 1; t < 900; ++t) {
    pool.advance(t);
    pool.scale(t < 300 ? 2 + t % 7 : 6);
    const auto q = pool.sample();
    ASSERT_LE(q.num_ack_pending, q.delivered_consumer_seq);
    ASSERT_LE(q.num_pending + q.delivered_stream_seq.value_or(0), pool.arrived());
    ASSERT_LE(pool.counts().ready, pool.counts().current);
  }
  EXPECT_TRUE(pool.finished());
  EXPECT_EQ(pool.begun(), pool.arrived());
}

TEST(WorkerText, RefusesWhatItDoesNotKnowAndSaysWhatIsRight) {
  World w;
  EXPECT_EQ(set_workers(w, "pol=1s").error().message.substr(0, 44),
            "a worker has no 'pol', did you mean 'poll'?;");
  EXPECT_NE(set_workers(w, "fetch=0").error().message.find("from 1 to 100000"), std::string::npos);
  EXPECT_FALSE(set_workers(w, "fetch"));
  EXPECT_FALSE(set_workers(w, "cv=3x"));
  EXPECT_FALSE(set_workers(w, "poll=-1s"));
  ASSERT_TRUE(set_workers(w, "poll=500ms, crash=4/h, shared=10, warm_up=1m"));
  EXPECT_EQ(w.worker.poll, 0.5);
  EXPECT_EQ(w.faults.crash_per_hour, 4);
  EXPECT_EQ(w.worker.bottleneck, 10);
  EXPECT_EQ(w.worker.warm_up, 60);
}

}  // namespace
}  // namespace docktor::sim
