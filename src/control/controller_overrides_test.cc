// What people say beside the policies: overrides, approval, dry run; all of it in the journal and over a
// restart.
#include "control/controller_test_bench.h"
#include "core/record.h"

namespace docktor {
namespace {

class OverridesTest : public ControllerTest {
 protected:
  World& start(std::uint64_t pending = 20, const std::string& name = "a", int min = 1) {
    World& w = worlds[name];
    w.queue.num_pending = pending;
    apply({spec(name, min)});
    pass(1s);
    return w;
  }
  void restart() {
    controller->save();
    controller.reset();
    build();
  }
  nlohmann::ordered_json last() const { return journal.decisions().back(); }
  std::string why() { return controller->status("a")[0].value("why_nothing_happens", ""); }
  // The id of the only open proposal; empty when there is none.
  std::string open_id() {
    const auto all = controller->proposals();
    return all.size() == 1 ? all[0]["id"].get<std::string>() : "";
  }
  void be_manual() {
    manual = true;
    build();
  }
};

TEST_F(OverridesTest, APersonsNumberEndsWhatTheTargetWaitsFor) {
  World& w = start();
  EXPECT_EQ(w.resumes, 0);
  ASSERT_TRUE(controller->scale("a", 3, std::nullopt, "", "ann"));
  EXPECT_EQ(w.resumes, 1);
  ASSERT_TRUE(controller->resume("a", "ann"));
  EXPECT_EQ(w.resumes, 2);
}

TEST_F(OverridesTest, AScaleByHandHoldsAgainstThePolicyUntilItsTimeIsOver) {
  World& w = start();
  ASSERT_TRUE(controller->scale("a", 4, 2min, "a demo", "ann"));
  pass(30s);
  EXPECT_EQ(w.orders, (std::vector<int>{4})) << "at once, and the policy, which wants less, does not count";
  EXPECT_EQ(event("scale")["by"], "ann");
  EXPECT_EQ(event("scale")["replicas"], 4);
  EXPECT_EQ(why(), "scaled to 4 by ann until 1970-01-01T00:18:41Z (a demo); `docktor resume a` ends that");
  EXPECT_EQ(controller->status("a")[0]["overrides"][0]["by"], "ann");
  EXPECT_EQ(last()["overrides"]["replicas"], 4);
  pass(95s);
  EXPECT_EQ(event("override_ended")["text"], "scaled to 4 by ann until 1970-01-01T00:18:41Z (a demo)");
  pass(40s);
  EXPECT_EQ(w.replicas, 1) << "the policy decides again";
}

TEST_F(OverridesTest, AScaleOutsideTheBoundsIsRefusedAndChangesNothing) {
  World& w = start();
  const auto r = controller->scale("a", 11, {}, "", "ann");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().message,
            "11 replicas lie outside the bounds of a, 1..10; `docktor set-bounds` changes those");
  EXPECT_FALSE(controller->scale("a", 0, {}, "", "ann"));
  EXPECT_FALSE(controller->scale("b", 1, {}, "", "ann"));
  pass(20s);
  EXPECT_TRUE(w.orders.empty());
}

TEST_F(OverridesTest, APauseHoldsThePolicyButNotTheBounds) {
  World& w = start();
  ASSERT_TRUE(controller->pause("a", {}, "", "ann"));
  w.queue.num_pending = 5000;
  pass(60s);
  EXPECT_TRUE(w.orders.empty());
  EXPECT_EQ(why(), "paused by ann; `docktor resume a` ends that");
  w.replicas = 0;  // two crashed for good
  pass(15s);
  EXPECT_EQ(w.orders, (std::vector<int>{1})) << "min_replicas is kept";
  ASSERT_TRUE(controller->resume("a", "bob"));
  EXPECT_EQ(event("resume")["by"], "bob");
  pass(15s);
  EXPECT_GT(w.replicas, 1);
}

TEST_F(OverridesTest, AMessageDoesNotWakeWhatIsPausedAtZero) {
  World& w = worlds["a"];
  w.replicas = 0;
  apply({spec("a", 0)});
  pass(1s);
  ASSERT_TRUE(controller->pause("a", {}, "", "ann"));
  w.queue.num_pending = 1;
  pass(30s);
  EXPECT_TRUE(w.orders.empty());
  ASSERT_TRUE(controller->resume("a", "ann"));
  pass(15s);
  EXPECT_EQ(w.replicas, 1);
}

TEST_F(OverridesTest, OtherBoundsTakeThePlaceOfTheConfigurations) {
  World& w = start(5000);
  ASSERT_TRUE(controller->set_bounds("a", {2, 4}, {}, "ann"));
  pass(40s);
  EXPECT_EQ(w.replicas, 4);
  EXPECT_EQ(controller->status("a")[0]["max_replicas"], 4);
  EXPECT_FALSE(controller->scale("a", 5, {}, "", "ann"));
  w.queue.num_pending = 0;
  pass(60s);
  EXPECT_EQ(w.replicas, 2);
  ASSERT_TRUE(controller->reset_bounds("a", "ann"));
  pass(30s);
  EXPECT_EQ(w.replicas, 1);
  EXPECT_FALSE(controller->set_bounds("a", {5, 4}, {}, "ann"));
  EXPECT_FALSE(controller->set_bounds("a", {0, 0}, {}, "ann"));
}

TEST_F(OverridesTest, OverridesSurviveARestart) {
  start();
  ASSERT_TRUE(controller->scale("a", 4, 10min, "", "ann"));
  ASSERT_TRUE(controller->set_bounds("a", {2, 6}, {}, "bob"));
  pass(1s);
  restart();
  apply({spec("a")});
  pass(30s);
  EXPECT_EQ(worlds["a"].replicas, 4);
  const auto status = controller->status("a")[0];
  EXPECT_EQ(status["max_replicas"], 6);
  EXPECT_EQ(status["overrides"].size(), 2u);
  EXPECT_EQ(status["overrides"][0]["by"], "ann");
  restart();
  clock.time += 20min;
  apply({spec("a")});
  pass(90s);
  EXPECT_EQ(worlds["a"].replicas, 2) << "what ended while docktor was away does not come back";
}

TEST_F(OverridesTest, OverridesSurviveAReloadThatChangesTheService) {
  start();
  ASSERT_TRUE(controller->pause("a", {}, "", "ann"));
  auto changed = spec("a");
  changed.limits.max_replicas = 7;
  apply({changed});
  worlds["a"].queue.num_pending = 5000;
  pass(30s);
  EXPECT_TRUE(worlds["a"].orders.empty());
}

// Ten minutes are ten minutes, whatever clocks on the wall show meanwhile; and what is told is what they show.
TEST_F(OverridesTest, AnOverrideEndsAfterTheTimeThatWasAskedForWhateverTheClockIsSetTo) {
  for (const Duration jump : {Duration(3h), Duration(-3h)}) {
    SCOPED_TRACE(to_seconds(jump));
    const auto left = [&] { return controller->status("a")[0]["overrides"][0].value("ends_in", 0.0); };
    clock.time = time_at(100'000);
    clock.set_by = {};
    start();
    const Time asked = clock.time;
    ASSERT_TRUE(controller->pause("a", 10min, "", "ann"));
    pass(60s);
    clock.set_by = jump;
    pass(60s);
    EXPECT_NEAR(left(), 480, 1);
    const std::string end = utc_seconds(asked + 10min + jump);
    const auto status = controller->status("a")[0];
    EXPECT_EQ(status["overrides"][0]["until"], end);
    EXPECT_EQ(status["overrides"][0]["text"], "paused by ann until " + end);
    EXPECT_EQ(journal.records.back()["ts"],
              utc_seconds(time_at(journal.records.back()["t"].get<double>()) + jump));
    // A restart begins a timeline at what the clock shows then.
    restart();
    clock.time += jump;
    clock.booted += jump;
    clock.set_by = {};
    apply({spec("a")});
    pass(60s);
    EXPECT_NEAR(left(), 420, 1);
    // The machine begins anew and its clock is wrong again: no longer than was asked for.
    restart();
    clock.boot_id += "+";
    clock.time -= 3h;
    clock.booted = clock.time;
    apply({spec("a")});
    EXPECT_LE(left(), 600);
    ASSERT_TRUE(controller->resume("a", "ann"));
    restart();
  }
}

TEST_F(OverridesTest, DamagedOverridesAreNoOverrides) {
  const auto restored = [](const char* text) {
    return StandingOverrides::restore(nlohmann::json::parse(text), TestClock());
  };
  EXPECT_FALSE(restored(R"({"hold":{"by":"ann","since":1,"replicas":"3"}})").hold)
      << "never a pause in its place";
  EXPECT_FALSE(restored(R"({"hold":{"by":"ann","since":1,"replicas":-3}})").hold);
  EXPECT_FALSE(restored(R"({"hold":{"by":"ann","since":1,"until":999}})").hold);
  EXPECT_FALSE(restored(R"({"hold":{"by":"ann","since":1,"until":"tomorrow"}})").hold);
  EXPECT_FALSE(restored(R"({"bounds":{"by":"ann","min_replicas":5,"max_replicas":4}})").bounds);
  EXPECT_TRUE(restored(R"({"bounds":{"by":"ann","min_replicas":0,"max_replicas":4}})").bounds);
}

TEST_F(OverridesTest, ManualDecisionsWaitForAYes) {
  be_manual();
  World& w = start(1500);
  pass(25s);
  EXPECT_TRUE(w.orders.empty());
  const auto id = open_id();
  ASSERT_FALSE(id.empty()) << "one proposal, however often it was decided";
  EXPECT_EQ(journal.decisions()[0]["outcome"], "proposed");
  EXPECT_EQ(last()["outcome"], "waiting");
  EXPECT_NE(why().find("docktor approve " + id), std::string::npos) << why();
  ASSERT_TRUE(controller->approve(id, "ann"));
  EXPECT_EQ(w.orders, (std::vector<int>{3}));
  EXPECT_EQ(event("approve")["by"], "ann");
  pass(1s);
  EXPECT_EQ(event("outcome")["id"], id);
  EXPECT_EQ(event("outcome")["outcome"], "done");
  const auto notes = board.notes(0);
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(notes.back().from, 1);
  EXPECT_EQ(notes.back().to, 3);
  EXPECT_EQ(notes.back().action, Action::kScaleUp);
  EXPECT_FALSE(notes.back().reason.empty());
  EXPECT_EQ(board.services()[0]->tally.starts, 2U);
  EXPECT_FALSE(controller->approve(id, "ann")) << "once only";
}

TEST_F(OverridesTest, TheBoundsNeedNoApproval) {
  be_manual();
  worlds["a"].replicas = 0;
  World& w = start(1500);
  EXPECT_EQ(w.orders, (std::vector<int>{1})) << "to min_replicas, though the policy wants more";
  pass(15s);
  EXPECT_FALSE(open_id().empty()) << "the rest waits";
  w.replicas = 14;
  pass(15s);
  EXPECT_EQ(w.orders.back(), 10);
}

TEST_F(OverridesTest, AProposalEndsWhenItsObservationNoLongerHolds) {
  be_manual();
  World& w = start(1500);
  const auto id = open_id();
  ASSERT_FALSE(id.empty());
  w.queue.num_pending = 300;
  pass(25s);
  EXPECT_TRUE(controller->proposals().empty());
  EXPECT_EQ(event("proposal_ended")["id"], id);
  EXPECT_FALSE(controller->approve(id, "ann"));
  EXPECT_TRUE(w.orders.empty());
}

TEST_F(OverridesTest, ARejectedProposalIsNotAskedAgainWhileNothingChanges) {
  be_manual();
  World& w = start(1500);
  ASSERT_TRUE(controller->reject(open_id(), "wait for the night", "ann"));
  EXPECT_EQ(event("reject")["reason"], "wait for the night");
  pass(30s);
  EXPECT_TRUE(controller->proposals().empty());
  EXPECT_EQ(last()["outcome"], "rejected");
  EXPECT_EQ(why(),
            "1 → 3 was rejected by ann: wait for the night; it is proposed again when that has changed");
  w.queue.num_pending = 300;
  pass(25s);
  w.queue.num_pending = 1500;
  pass(25s);
  EXPECT_FALSE(open_id().empty());
}

TEST_F(OverridesTest, NothingIsApprovedOnStaleSamples) {
  be_manual();
  World& w = worlds["a"];
  w.replicas = 3;
  start(20);
  const auto id = open_id();
  ASSERT_FALSE(id.empty());
  w.queue_silent = true;
  pass(9s);
  const auto r = controller->approve(id, "ann");
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("stale"), std::string::npos);
  pass(30s);
  EXPECT_TRUE(controller->proposals().empty()) << "and it ends";
  EXPECT_TRUE(w.orders.empty());
}

TEST_F(OverridesTest, AProposalFromOutsideWaitsInEitherModeAndNotForEver) {
  World& w = start(300);
  ASSERT_TRUE(controller->propose("a", 5, "a campaign begins", "bot via mcp"));
  EXPECT_FALSE(controller->propose("a", 50, "", "bot via mcp"));
  const auto id = open_id();
  ASSERT_FALSE(id.empty());
  const auto again = controller->propose("a", 5, "a campaign begins", "bot via mcp");
  ASSERT_TRUE(again);
  EXPECT_NE(again->find("it waits already"), std::string::npos) << *again;
  EXPECT_EQ(open_id(), id) << "the same proposal again is the same proposal";
  pass(30s);
  EXPECT_TRUE(w.orders.empty());
  ASSERT_TRUE(controller->approve(id, "ann"));
  EXPECT_EQ(w.orders, (std::vector<int>{5}));
  ASSERT_TRUE(controller->propose("a", 6, "", "bot via mcp"));
  clock.time += 11min;
  pass(11s);
  EXPECT_TRUE(controller->proposals().empty());
  EXPECT_EQ(event("proposal_ended")["text"], "nobody answered in time");
}

TEST_F(OverridesTest, ADryRunIsRecordedAsOne) {
  World& w = worlds["a"];
  w.dry_run = true;
  start(1500);
  pass(11s);
  EXPECT_EQ(w.replicas, 1);
  EXPECT_EQ(journal.decisions()[0]["decision"], "scale_up");
  EXPECT_EQ(journal.decisions()[0]["outcome"], "dry_run");
  EXPECT_EQ(controller->status("a")[0]["dry_run"], true);
  controller->stop_replicas();
  EXPECT_EQ(w.orders, (std::vector<int>{3, 3})) << "nor are the replicas stopped";
  EXPECT_EQ(controller->replicas_left(), 0u) << "so that nobody waits for them";
}

// Design, invariant 8, with people in between.
TEST_F(OverridesTest, TheJournalReproducesDecisionsUnderOverrides) {
  manual = true;
  build();
  auto s = spec("a", 0);
  World& w = worlds["a"];
  apply({s});
  for (int i = 0; i < 60; ++i) {
    w.queue.num_pending = i % 20 < 9 ? 700 : 20;
    w.queue.delivered_consumer_seq = w.queue.delivered_consumer_seq.value_or(0) + 40;
    w.queue.delivered_stream_seq = w.queue.delivered_consumer_seq;
    pass(3s);
    if (i == 10) {
      ASSERT_TRUE(controller->scale("a", 6, 30s, "", "ann"));
    }
    if (i == 22) {
      ASSERT_TRUE(controller->set_bounds("a", {2, 5}, {}, "ann"));
    }
    if (i == 40) {
      ASSERT_TRUE(controller->pause("a", 20s, "", "ann"));
    }
    if (i % 7 == 0 && !open_id().empty()) {
      ASSERT_TRUE(controller->approve(open_id(), "ann"));
    }
  }
  Autoscaler again(s, make_policy(s));
  const auto& start = journal.records.front();
  again.restore(start["state"], time_at(start["t"].get<double>()));
  int overridden = 0, proposed = 0;
  for (const auto& r : journal.decisions()) {
    for (const auto& line : r["inputs"]) {
      const auto input = input_from_json(nlohmann::json::parse(line.dump()));  // as from a file
      ASSERT_TRUE(input) << input.error().message << ": " << line;
      again.observe(input->second);
    }
    const auto& c = r["replicas"];
    const auto overrides =
        overrides_from_json(nlohmann::json(r.value("overrides", nlohmann::ordered_json())));
    const Decision d =
        again.evaluate(time_at(r["t"].get<double>()), {c["current"], c["ready"], c["failing"]}, overrides);
    EXPECT_EQ(to_string(d.action), r["decision"].get<std::string>());
    EXPECT_EQ(d.target, r["target_replicas"]);
    EXPECT_EQ(d.reason, r["reason"].get<std::string>());
    EXPECT_EQ(d.needs_approval, r.value("needs_approval", false));
    overridden += !overrides.held.empty() || overrides.bounds.has_value();
    proposed += d.needs_approval;
  }
  EXPECT_GE(overridden, 10);
  EXPECT_GE(proposed, 3);
}

}  // namespace
}  // namespace docktor
