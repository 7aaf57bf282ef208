// Work that waits while there is no replica: evaluated no more often than the intervals say, whatever stands in the way.
#include "control/controller_test_bench.h"
#include "core/record.h"

namespace docktor {
namespace {

// A watch tells at once of a message that is there already, as a JetStream consumer's does.
void watch_that_fires_while_work_waits(World& w) {
  if (w.watcher && w.queue.num_pending > 0) std::exchange(w.watcher, {})();
}

class WorkAtZero : public ControllerTest {
 protected:
  void begin() {
    worlds["a"].replicas = 0;
    apply({spec("a", 0)});
    pass(3s);
    worlds["a"].queue.num_pending = 5;
  }
  // A busy loop: a step each 5 ms, a wake whenever one can come.
  void hustle(Duration length) {
    for (const Time end = clock.time + length; clock.time < end; clock.time += 5ms) {
      watch_that_fires_while_work_waits(worlds["a"]);
      controller->step(0ns);
    }
  }
  // In 30 s with a check every 10 s: the checks, and one ahead of the first.
  void expect_no_more_than_the_intervals_say(std::size_t before, int reads_before) {
    EXPECT_LE(journal.decisions().size() - before, 5u);
    EXPECT_LE(worlds["a"].reads - reads_before, 60) << "about one a second";
  }
};

TEST_F(ControllerTest, AMessageAtZeroWakesAtOnce) {
  World& w = worlds["a"];
  w.replicas = 0;
  apply({spec("a", 0)});
  pass(3s);
  ASSERT_TRUE(w.watcher);
  EXPECT_TRUE(w.orders.empty());
  w.queue.num_pending = 1;
  std::exchange(w.watcher, {})();
  controller->step(0ns);
  controller->step(0ns);
  EXPECT_EQ(w.orders, (std::vector<int>{1}));
  EXPECT_FALSE(w.watcher) << "set again before it ordered";
  controller->step(0ns);  // the outcome
  ASSERT_FALSE(journal.decisions().empty());
  EXPECT_EQ(journal.decisions().back()["reason"], "at zero replicas with 1 message waiting");
}

TEST_F(ControllerTest, AFalseWakeIsReadAgainForFiftyMillisecondsAndTheWatchIsSetAnew) {
  World& w = worlds["a"];
  w.replicas = 0;
  apply({spec("a", 0)});
  pass(1s);
  ASSERT_TRUE(w.watcher);
  const auto wake = std::exchange(w.watcher, {});
  const int before = w.reads;
  wake();
  for (int i = 0; i < 80; ++i) {
    controller->step(0ns);
    clock.time += 1ms;
  }
  EXPECT_GE(w.reads - before, 5);
  EXPECT_TRUE(w.watcher) << "armed again";
  EXPECT_TRUE(w.orders.empty());
}

TEST_F(WorkAtZero, IsEvaluatedAtTheIntervalsWhileTheLastOrderFails) {
  begin();
  worlds["a"].scale_error = Error{ErrorCode::kInvalid, "MUST is not set", false};
  const auto before = journal.decisions().size();
  const int reads = worlds["a"].reads;
  hustle(30s);
  expect_no_more_than_the_intervals_say(before, reads);
  EXPECT_GE(worlds["a"].orders.size(), 2u) << "tried again";
  worlds["a"].scale_error.reset();
  hustle(60s);
  EXPECT_EQ(worlds["a"].replicas, 1);
}

TEST_F(WorkAtZero, IsEvaluatedAtTheIntervalsWhileTheTargetHasAProblem) {
  begin();
  worlds["a"].problem = "Docker does not answer";
  const auto before = journal.decisions().size();
  const int reads = worlds["a"].reads;
  hustle(30s);
  expect_no_more_than_the_intervals_say(before, reads);
  EXPECT_TRUE(worlds["a"].orders.empty());
  worlds["a"].problem.clear();
  hustle(1500ms);
  EXPECT_EQ(worlds["a"].replicas, 1) << "with the first sample after it";
}

TEST_F(WorkAtZero, OfAPausedConsumerWakesNobodyUntilThePauseEnds) {
  begin();
  World& w = worlds["a"];
  w.queue.paused = "consumer W is paused until 2030-01-01T00:00:00Z";
  const auto before = journal.decisions().size();
  const int reads = w.reads;
  hustle(30s);
  expect_no_more_than_the_intervals_say(before, reads);
  EXPECT_TRUE(w.orders.empty());
  EXPECT_EQ(journal.decisions().back()["reason"], w.queue.paused);
  EXPECT_NE(controller->status("a")[0]["notes"].dump().find("is paused until 2030"), std::string::npos);
  w.queue.paused.clear();
  hustle(1500ms);
  EXPECT_EQ(w.replicas, 1);
}

TEST_F(WorkAtZero, IsEvaluatedAtTheIntervalsWhenATargetSaysDoneAndStaysAtZero) {
  begin();
  worlds["a"].deaf = true;
  const auto before = journal.decisions().size();
  const int reads = worlds["a"].reads;
  hustle(30s);
  expect_no_more_than_the_intervals_say(before, reads);
  EXPECT_GE(worlds["a"].orders.size(), 3u);
}

TEST_F(WorkAtZero, IsEvaluatedAtTheIntervalsWhileTheQueueBeginsAnewWithEachSample) {
  begin();
  const auto before = journal.decisions().size();
  const int reads = worlds["a"].reads;
  for (int i = 0; i < 30; ++i) {
    worlds["a"].queue.created = std::to_string(i);
    hustle(1s);
  }
  expect_no_more_than_the_intervals_say(before, reads);
}

TEST_F(WorkAtZero, AStormOfFalseWakesIsReadABoundedNumberOfTimes) {
  begin();
  World& w = worlds["a"];
  w.queue.num_pending = 0;
  hustle(2s);
  const int reads = w.reads;
  for (const Time end = clock.time + 10s; clock.time < end; clock.time += 1ms) {
    if (w.watcher) std::exchange(w.watcher, {})();
    controller->step(0ns);
  }
  EXPECT_LE(w.reads - reads, 10 * 250);
  EXPECT_TRUE(w.orders.empty());
}

}  // namespace
}  // namespace docktor
