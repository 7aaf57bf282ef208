// A service on several queues in the controller: one that does not answer, and a journal that reproduces it all.
#include "control/controller_test_bench.h"
#include "core/record.h"
#include "core/several.h"

namespace docktor {
namespace {

QueueSample counted(std::uint64_t pending, std::uint64_t arrived) {
  QueueSample q;
  q.num_pending = pending;
  q.totals.arrived = arrived;
  return q;
}

TEST_F(ControllerTest, FromZeroWhatOneQueueHoldsWakesAtOnceWhileAnotherIsMissing) {
  World& w = worlds["a"];
  w.replicas = 0;
  w.queue = sum_of({{"mail", counted(0, 0)}, {"push", counted(0, 0)}});
  apply({spec("a", 0)});
  pass(3s);
  EXPECT_TRUE(w.orders.empty());
  w.part_waits = "3 messages waiting in push (nothing is known of mail)";
  pass(1500ms);
  EXPECT_EQ(w.orders, (std::vector<int>{1})) << "it does not wait for the check";
  EXPECT_EQ(journal.decisions().back()["reason"], "at zero replicas, and " + w.part_waits);
  EXPECT_EQ(journal.decisions().back()["overrides"]["part_waits"], w.part_waits);
  EXPECT_NE(controller->status("a")[0]["why_nothing_happens"].dump().find("mail: there is no queue mail"),
            std::string::npos);
  const int reads = w.reads;
  pass(60s);
  EXPECT_EQ(w.orders.size(), 1u) << "the first, and no more on half the figures";
  EXPECT_LE(w.reads - reads, 70);
}

TEST_F(ControllerTest, StatusTellsOfEachQueueAndOfOneThatIsPaused) {
  World& w = worlds["a"];
  w.queue = sum_of({{"mail", counted(7, 7)}, {"push", counted(3, 3)}});
  apply({spec("a")});
  pass(2s);
  auto seen = controller->status("a")[0]["observation"];
  EXPECT_EQ(seen["queue.backlog"], 10);
  EXPECT_EQ(seen["queue.mail.backlog"], 7);
  EXPECT_EQ(seen["queue.push.backlog"], 3);
  QueueSample paused = counted(7, 7);
  paused.paused = "paused until noon";
  w.queue = sum_of({{"mail", paused}, {"push", counted(3, 3)}});
  pass(2s);
  EXPECT_EQ(controller->status("a")[0]["observation"]["queue.backlog"], 3);
  EXPECT_NE(controller->status("a")[0]["notes"].dump().find(
                "mail: paused until noon; what waits there does not count"),
            std::string::npos);
}

TEST_F(ControllerTest, OfSeveralQueuesTheJournalAloneReproducesEveryDecision) {
  World& w = worlds["a"];
  auto s = spec("a", 0);
  s.rules->scale_up_when.push_back(
      {Metric::kQueueRateIn, Op::kGreater, 15, "queue.push.rate_in", "15", "push"});
  apply({s});
  std::uint64_t came = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    came += i % 15 < 5 ? 60 : 3;
    QueueSample mail = counted(i % 20 < 8 ? 700 : 20, i == 40 ? 1 : 10 * i);  // which begins anew
    if (i > 50) mail.paused = "until noon";
    w.queue = sum_of({{"mail", mail}, {"push", counted(i % 7, came)}});
    w.part_waits = i % 13 == 12 ? "3 messages waiting in push (nothing is known of mail)" : "";
    pass(3s);
  }
  const auto& start = journal.records.front();
  Autoscaler again(s, make_policy(s));
  again.restore(start["state"], time_at(start["t"].get<double>()));
  int checked = 0, moved = 0;
  for (const auto& r : journal.decisions()) {
    for (const auto& line : r["inputs"]) {
      const auto in = input_from_json(nlohmann::json::parse(line.dump()));
      ASSERT_TRUE(in) << in.error().message;
      EXPECT_EQ(in->second.queue->parts.size(), 2u);
      again.observe(in->second);
    }
    const auto& c = r["replicas"];
    const Decision d = again.evaluate(
        time_at(r["t"].get<double>()), {c["current"], c["ready"], c["failing"]},
        overrides_from_json(r.contains("overrides") ? nlohmann::json(r["overrides"]) : nlohmann::json()));
    EXPECT_EQ(to_string(d.action), r["decision"].get<std::string>());
    EXPECT_EQ(d.target, r["target_replicas"]);
    EXPECT_EQ(d.reason, r["reason"].get<std::string>());
    ++checked;
    moved += d.action != Action::kHold;
  }
  EXPECT_GE(checked, 15);
  EXPECT_GE(moved, 3);
}

}  // namespace
}  // namespace docktor
