// Several queues as one source: one answer, and what is said where a part of it is missing.
#include "queues/several.h"

#include <gtest/gtest.h>

#include <thread>

namespace docktor {
namespace {

using namespace std::chrono_literals;

struct Script {
  Result<Reading> answer = Reading{};
  std::string gap, unfit;
  std::function<void()> watcher;
  std::function<void(Result<Reading>)> asked;  // answers later, where `late`
  bool late = false;
};

class ScriptedSource final : public Source {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  void read(const ReadRequest&, std::function<void(Result<Reading>)> done) override {
    if (script_.late)
      script_.asked = std::move(done);
    else
      done(script_.answer);
  }
  void watch(std::function<void()> on_message) override { script_.watcher = std::move(on_message); }
  std::string watch_gap() const override { return script_.gap; }
  std::string unfit_for_zero() const override { return script_.unfit; }
  std::vector<Finding> check(Duration) override { return {{Severity::kOk, "it is there", ""}}; }

 private:
  Script& script_;
};

Result<Reading> shows(std::uint64_t pending) {
  QueueSample q;
  q.num_pending = pending;
  return Reading{q, std::nullopt};
}

class SeveralQueuesTest : public testing::Test {
 protected:
  SeveralQueuesTest() {
    std::vector<SeveralQueues::Part> parts;
    parts.push_back({"mail", std::make_unique<ScriptedSource>(mail)});
    parts.push_back({"push", std::make_unique<ScriptedSource>(push)});
    source = std::make_unique<SeveralQueues>(std::move(parts));
    mail.answer = shows(4);
    push.answer = shows(3);
  }
  Result<Reading> read() {
    std::optional<Result<Reading>> out;
    source->read({1s, {}}, [&](Result<Reading> r) { out = std::move(r); });
    return out.value_or(fail(ErrorCode::kTimeout, "not answered"));
  }

  Script mail, push;
  std::unique_ptr<SeveralQueues> source;
};

TEST_F(SeveralQueuesTest, WhatPeopleShouldKnowOfOneIsToldWithItsName) {
  EXPECT_EQ(read()->note, "");
  push.answer->note = "it is a replica";
  EXPECT_EQ(read()->note, "push: it is a replica");
  mail.answer->note = "so is this";
  EXPECT_EQ(read()->note, "mail: so is this; push: it is a replica");
}

TEST_F(SeveralQueuesTest, AnswersWithTheSum) {
  const auto r = read();
  ASSERT_TRUE(r && r->queue);
  EXPECT_EQ(r->queue->num_pending, 7u);
  EXPECT_EQ(r->queue->parts.size(), 2u);
  EXPECT_TRUE(r->part_waits.empty());
}

TEST_F(SeveralQueuesTest, AnswersOnceWhenTheLastOneHas) {
  mail.late = push.late = true;
  int answers = 0;
  source->read({1s, {}}, [&](const Result<Reading>&) { ++answers; });
  push.asked(push.answer);
  EXPECT_EQ(answers, 0);
  source.reset();  // and outlives its source
  std::jthread([&] { mail.asked(mail.answer); }).join();
  EXPECT_EQ(answers, 1);
}

TEST_F(SeveralQueuesTest, AMissingPartIsNoSumAndIsNamed) {
  mail.answer = fail(ErrorCode::kNotFound, "there is no queue mail.out");
  auto r = read();
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->queue);
  ASSERT_TRUE(r->part_missing);
  EXPECT_EQ(r->part_missing->code, ErrorCode::kNotFound);
  EXPECT_EQ(r->part_missing->message, "mail: there is no queue mail.out");
  EXPECT_EQ(r->part_waits, "3 messages waiting in push (nothing is known of mail)");

  push.answer = fail(ErrorCode::kUnavailable, "connection refused", true);
  r = read();
  EXPECT_EQ(r->part_missing->code, ErrorCode::kUnavailable) << "the worse of both";
  EXPECT_EQ(r->part_missing->message, "mail: there is no queue mail.out; push: connection refused");
  EXPECT_TRUE(r->part_waits.empty());
}

TEST_F(SeveralQueuesTest, WhatWaitsInAPausedQueueIsNoReasonToWake) {
  mail.answer = fail(ErrorCode::kTimeout, "no answer");
  push.answer->queue->paused = "until noon";
  EXPECT_TRUE(read()->part_waits.empty());
}

TEST_F(SeveralQueuesTest, AMessageInEitherWakes) {
  int wakes = 0;
  source->watch([&] { ++wakes; });
  mail.watcher();
  push.watcher();
  EXPECT_EQ(wakes, 2);
  source->watch({});
  EXPECT_FALSE(mail.watcher);
  EXPECT_FALSE(push.watcher);
}

TEST_F(SeveralQueuesTest, SaysWhichQueueItSpeaksOf) {
  EXPECT_TRUE(source->watch_gap().empty());
  push.gap = "it has no watch";
  mail.unfit = "it is deleted with its last consumer";
  EXPECT_EQ(source->watch_gap(), "push: it has no watch");
  EXPECT_EQ(source->unfit_for_zero(), "mail: it is deleted with its last consumer");
  const auto findings = source->check(1s);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].what, "mail: it is there");
}

}  // namespace
}  // namespace docktor
