// A service on two queues, by the whole autoscaler: rules on one and on both, wakes, and a queue that is silent.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/autoscaler.h"
#include "core/record.h"
#include "core/several.h"
#include "policy/rules.h"

namespace docktor {
namespace {

QueueSample counted(std::uint64_t pending, std::uint64_t arrived, std::optional<std::uint64_t> in_hand = 0) {
  QueueSample q;
  q.num_pending = pending;
  q.num_ack_pending = in_hand;
  q.totals.arrived = arrived;
  q.totals.incarnation = "1";
  return q;
}

QueueSample mail_and_push(QueueSample mail, QueueSample push) {
  return sum_of({{"mail", std::move(mail)}, {"push", std::move(push)}});
}

class ServiceOfTwo : public testing::Test {
 protected:
  ServiceOfTwo() {
    spec.name = "web";
    spec.limits.min_replicas = 0;
    spec.limits.max_replicas = 10;
    spec.queue = QueueSpec{};
    spec.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 50, "queue.mail.backlog", "50", "mail"}},
                           {{Metric::kQueueBacklog, Op::kLessEqual, 10, "queue.backlog", "10"}}};
    autoscaler = std::make_unique<Autoscaler>(spec, std::make_unique<RulesPolicy>(*spec.rules, 2, 1));
  }
  Decision decide(double t, int current, const QueueSample& queue) {
    autoscaler->observe({time_at(t), {current, current}, queue, std::nullopt});
    return autoscaler->evaluate(time_at(t), {current, current}, overrides);
  }

  ServiceSpec spec;
  Overrides overrides;
  std::unique_ptr<Autoscaler> autoscaler;
};

TEST_F(ServiceOfTwo, ARuleLooksAtTheQueueThatItNames) {
  EXPECT_EQ(decide(100, 1, mail_and_push(counted(10, 10), counted(500, 500))).action, Action::kHold);
  const auto d = decide(130, 1, mail_and_push(counted(90, 90), counted(0, 500)));
  EXPECT_EQ(d.target, 3);
  EXPECT_EQ(d.reason, "queue.mail.backlog 90.0 > 50");
  const auto record = to_json(d);
  EXPECT_EQ(record["observations"]["queue.mail.backlog"], 90);
  EXPECT_EQ(record["observations"]["queue.push.backlog"], 0);
  EXPECT_EQ(record["matched_rules"][0]["metric"], "queue.mail.backlog");
}

TEST_F(ServiceOfTwo, WorkInEitherQueueWakesIt) {
  const auto d = decide(100, 0, mail_and_push(counted(0, 10), counted(1, 11)));
  EXPECT_TRUE(d.wake);
  EXPECT_EQ(d.target, 1);
}

TEST_F(ServiceOfTwo, DoesNotGoToZeroWhileOneQueuesWorkIsKnownToBeInHand) {
  const auto d = decide(100, 1, mail_and_push(counted(0, 10, 2), counted(0, 10, std::nullopt)));
  EXPECT_EQ(d.target, 1) << d.reason;
}

TEST_F(ServiceOfTwo, AResetSaysWhose) {
  decide(100, 2, mail_and_push(counted(20, 20), counted(20, 20)));
  const auto d = decide(130, 2, mail_and_push(counted(0, 1), counted(0, 20)));
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(d.reason.find("mail's counters went back"), 0u) << d.reason;
}

TEST_F(ServiceOfTwo, FromZeroWhatOneHoldsIsEnoughWhileTheOtherIsSilent) {
  decide(100, 0, mail_and_push(counted(0, 10), counted(0, 10)));
  overrides.queue_silent = "the queue has not answered since 12:00";
  overrides.part_waits = "12 messages waiting in push (nothing is known of mail)";
  for (const double t : {103.0, 500.0}) {
    const auto d = autoscaler->evaluate(time_at(t), {0, 0}, overrides);
    EXPECT_TRUE(d.wake);
    EXPECT_EQ(d.target, 1) << "the first, and no more on half the figures";
    EXPECT_EQ(d.reason, "at zero replicas, and 12 messages waiting in push (nothing is known of mail)");
  }
  const auto d = autoscaler->evaluate(time_at(510), {1, 1}, overrides);
  EXPECT_EQ(d.action, Action::kHold) << "above zero there is no sum to decide on";
  EXPECT_EQ(overrides_from_json(nlohmann::json::parse(to_json(overrides).dump())), overrides);
}

}  // namespace
}  // namespace docktor
