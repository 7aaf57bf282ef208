#include "tests/contract/queue_contract.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "core/flow.h"
#include "tests/support/missing.h"
#include "tests/support/patience.h"

namespace docktor::test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;
using testing::Not;

void QueueContract::SetUp() {
  if (const auto why = GetParam().why_not(); !why.empty()) SKIP_FOR_WANT_OF(why);
  // Names that any server takes, and that no other test has.
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  name = "contract" + name.substr(0, name.find('/'));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  queue = GetParam().open(name);
}

TEST_P(QueueContract, CountsAgreeWithTheTestsOwn) {
  queue->make();
  const auto reader = queue->reader();
  reader->with_backlog(0);
  queue->send(7);
  reader->with_backlog(7);
  queue->finish(3);
  reader->sample([](const QueueSample& q) { return q.num_pending == 4 && q.in_hand() == 0; });
  queue->finish(4);
  reader->with_backlog(0);
}

TEST_P(QueueContract, LookingTakesNothing) {
  queue->make();
  queue->send(5);
  const auto reader = queue->reader();
  reader->with_backlog(5);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(reader->sample().num_pending, 5u);
  queue->finish(5);
  reader->with_backlog(0);
}

TEST_P(QueueContract, AQueueThatIsNotThereIsAnErrorAndNeverZero) {
  const auto reader = queue->reader();
  if (const auto code = GetParam().missing) {
    EXPECT_THAT(reader->error(*code).message, Not(HasSubstr("://user:")));
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(reader->read());
  }
  EXPECT_THAT(reader->findings(), AnyOf(HasSubstr("error: "), HasSubstr("warning: ")));
  queue->make();
  queue->send(2);
  reader->with_backlog(2);
}

TEST_P(QueueContract, AServerThatDoesNotAnswerIsAnErrorAndNeverZero) {
  const auto reader = queue->nowhere();
  if (!reader) return;
  for (int i = 0; i < 3; ++i) {
    const auto r = reader->read(milliseconds(500));
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().code, AnyOf(Eq(ErrorCode::kUnavailable), Eq(ErrorCode::kTimeout)))
        << r.error().message;
    EXPECT_FALSE(r.error().message.empty());
  }
  EXPECT_THAT(reader->findings(seconds(2)), HasSubstr("error: "));
}

TEST_P(QueueContract, EachReadIsAnsweredOnceByAThreadOfTheSources) {
  queue->make();
  const auto reader = queue->reader();
  reader->sample();
  const auto mine = std::this_thread::get_id();
  auto answers = std::make_shared<std::atomic<int>>(0);
  for (int i = 1; i <= 20; ++i) {
    reader->source().read({seconds(20), {}}, [answers, mine](const Result<Reading>&) {
      EXPECT_NE(std::this_thread::get_id(), mine);
      ++*answers;
    });
    ASSERT_TRUE(eventually([&] { return *answers >= i; }));
    EXPECT_EQ(*answers, i);
  }
}

TEST_P(QueueContract, ASourceMayEndWhileItIsAsked) {
  queue->make();
  auto answers = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 10; ++i) {
    const auto reader = i % 2 == 0 ? queue->reader() : queue->nowhere();
    if (!reader) continue;
    reader->source().read({seconds(20), {}}, [answers](const Result<Reading>&) { ++*answers; });
  }
  EXPECT_LE(*answers, 10);
  queue->send(1);
  queue->reader()->with_backlog(1);
}

// Some tell figures that move every few seconds only: what flowed is added up until all has.
TEST_P(QueueContract, WhatFlowedIsWhatCameAndWent) {
  queue->make();
  const auto reader = queue->reader();
  auto last = reader->sample();
  double arrived = 0, settled = 0;
  bool counts = false;
  const auto step = [&] {
    const auto next = reader->sample();
    const auto flow = flow_between(last, next, seconds(1));
    if (flow.flow || flow.reset) last = next;
    if (!flow.flow) return;
    counts = true;
    EXPECT_GE(flow.flow->arrivals, 0);
    EXPECT_LE(flow.flow->arrivals, 6);
    arrived += flow.flow->arrivals;
    settled += flow.flow->settled;
  };
  queue->send(6);
  reader->with_backlog(6);
  step();
  queue->finish(2);
  reader->with_backlog(4);
  step();
  const auto& t = last.totals;
  if (!counts && !t.arrived && !t.delivered && !t.settled && !last.delivered_consumer_seq)
    return;  // this one tells gauges alone
  EXPECT_TRUE(eventually(
      [&] {
        if (arrived == 6 && settled == 2) return true;
        step();
        return false;
      },
      kPatience, milliseconds(50)))
      << arrived << " came and " << settled << " went";
}

TEST_P(QueueContract, AMessageWakesOrItIsSaidWhyNot) {
  queue->make();
  const auto reader = queue->reader();
  reader->sample();
  auto rung = std::make_shared<std::atomic<int>>(0);
  reader->source().watch([rung] { ++*rung; });
  reader->sample();
  const auto gap = reader->source().watch_gap();
  if (!gap.empty() && !GetParam().wakes) return;  // it is only polled, and says so
  EXPECT_TRUE(eventually(
      [&] {
        queue->send(1);
        return *rung > 0;
      },
      kPatience, milliseconds(200)));
  reader->source().watch({});
}

}  // namespace docktor::test
