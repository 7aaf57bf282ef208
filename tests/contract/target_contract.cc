#include "tests/contract/target_contract.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/missing.h"
#include "tests/support/patience.h"

namespace docktor::test {

void TargetContract::SetUp() {
  if (const auto why = GetParam().why_not(); !why.empty()) SKIP_FOR_WANT_OF(why);
  service = GetParam().open();
  target = service->open();
  ASSERT_TRUE(eventually([&] {
    last = target->report();
    return last.problem.empty() && last.hold.empty();
  })) << last.problem
      << last.hold;
}

Result<std::string> TargetContract::order(int replicas) {
  Result<std::string> r = fail(ErrorCode::kTimeout, "no answer");
  EXPECT_TRUE(eventually([&] {
    auto answer = std::make_shared<std::promise<Result<std::string>>>();
    auto future = answer->get_future();
    target->scale({replicas, {}, target->report().version},
                  [answer](Result<std::string> done) { answer->set_value(std::move(done)); });
    r = future.get();
    return r || r.error().code != ErrorCode::kConflict;
  })) << r.error().message;
  EXPECT_TRUE(r) << (r ? "" : r.error().message);
  return r;
}

bool TargetContract::ready(int replicas) {
  return eventually([&] {
    last = target->report();
    const auto c = count(last);
    return last.problem.empty() && c.current == replicas && c.ready == replicas &&
           static_cast<int>(last.replicas.size()) == replicas &&
           static_cast<int>(service->running().size()) == replicas;
  });
}

TEST_P(TargetContract, ThereIsWhatWasOrdered) {
  for (const int n : {3, 1, 2, 0, 1}) {
    const auto done = order(n);
    ASSERT_TRUE(done);
    EXPECT_FALSE(done->empty()) << "a sentence on what was done";
    ASSERT_TRUE(ready(n)) << n << " " << last.problem;
  }
  EXPECT_EQ(last.stopped_by_hand, "") << "its own stops are nobody's hand";
}

TEST_P(TargetContract, WhoComesLaterFindsWhatRunsAndLeavesIt) {
  ASSERT_TRUE(order(2));
  ASSERT_TRUE(ready(2));
  const auto before = service->running();
  target.reset();
  EXPECT_EQ(service->running(), before) << "replicas run on without docktor";
  target = service->open();
  ASSERT_TRUE(ready(2));
  EXPECT_EQ(service->running(), before) << "none was started anew";
  ASSERT_TRUE(order(3));
  ASSERT_TRUE(ready(3));
  const auto after = service->running();
  for (const auto& one : before) EXPECT_TRUE(after.contains(one)) << one << " was replaced";
}

TEST_P(TargetContract, NeighboursAreLeftAlone) {
  const auto before = service->neighbours();
  ASSERT_FALSE(before.empty());
  ASSERT_TRUE(order(2));
  ASSERT_TRUE(ready(2));
  ASSERT_TRUE(order(0));
  ASSERT_TRUE(ready(0));
  EXPECT_EQ(service->neighbours(), before);
}

TEST_P(TargetContract, TheSameNumberAgainChangesNothing) {
  ASSERT_TRUE(order(2));
  ASSERT_TRUE(ready(2));
  const auto before = service->running();
  ASSERT_TRUE(order(2));
  ASSERT_TRUE(ready(2));
  EXPECT_EQ(service->running(), before);
}

TEST_P(TargetContract, EachOrderIsAnsweredOnceAndTheLastOneCounts) {
  ASSERT_TRUE(order(1));
  ASSERT_TRUE(ready(1));
  struct Answers {
    std::atomic<int> to_first{0}, to_second{0};
  };
  auto answers = std::make_shared<Answers>();
  const auto version = target->report().version;
  target->scale({3, {}, version}, [answers](const Result<std::string>&) { ++answers->to_first; });
  target->scale({2, {}, version}, [answers](const Result<std::string>&) { ++answers->to_second; });
  ASSERT_TRUE(eventually([&] { return answers->to_first == 1 && answers->to_second == 1; }));
  ASSERT_TRUE(order(2));  // an engine that compares versions may have refused the second
  ASSERT_TRUE(ready(2));
  EXPECT_EQ(answers->to_first, 1);
  EXPECT_EQ(answers->to_second, 1);
}

TEST_P(TargetContract, ACheckFindsTheServiceAndChangesNothing) {
  ASSERT_TRUE(order(1));
  ASSERT_TRUE(ready(1));
  const auto before = service->running();
  const auto findings = target->check();
  EXPECT_FALSE(findings.empty());
  for (const auto& f : findings) EXPECT_NE(f.severity, Severity::kError) << f.what;
  EXPECT_EQ(service->running(), before);
}

}  // namespace docktor::test
