// The controller driven by a clock of the test: sampling, deciding, ordering, waking, reloading.
#include <system_error>

#include "control/controller_test_bench.h"
#include "core/record.h"

namespace docktor {
namespace {

TEST_F(ControllerTest, SamplesEachSecondAndDecidesEachCheckInterval) {
  worlds["a"].queue.num_pending = 200;
  apply({spec("a")});
  pass(29s);
  EXPECT_NEAR(worlds["a"].reads, 30, 2);
  EXPECT_EQ(journal.decisions().size(), 3u);
  EXPECT_EQ(journal.decisions()[0]["decision"], "hold");
  EXPECT_EQ(journal.decisions()[0]["id"], "run-1");
  EXPECT_NE(text.str().find("[a] get_queue_metrics response: backlog=200"), std::string::npos);
}

TEST_F(ControllerTest, OrdersWhatWasDecidedAndRecordsTheOutcome) {
  worlds["a"].queue.num_pending = 1500;
  apply({spec("a")});
  pass(11s);
  EXPECT_EQ(worlds["a"].orders, (std::vector<int>{3, 5}));
  const auto r = journal.decisions()[0];
  EXPECT_EQ(r["reason"], "queue.backlog 1500.0 > 500");
  EXPECT_EQ(r["current_replicas"], 1);
  EXPECT_EQ(r["target_replicas"], 3);
  EXPECT_EQ(r["outcome"], "done");
  EXPECT_GE(journal.decisions()[1]["inputs"].size(), 9u);
}

TEST_F(ControllerTest, ASilentSourceDelaysNoOtherServiceAndMeansHold) {
  worlds["slow"].queue_silent = true;
  worlds["a"].queue.num_pending = 1500;
  apply({spec("slow"), spec("a")});
  pass(5s);
  EXPECT_EQ(worlds["a"].orders, (std::vector<int>{3}));
  EXPECT_TRUE(worlds["slow"].orders.empty());
  const auto status = controller->status("slow");
  EXPECT_EQ(status[0]["why_nothing_happens"], "no sample of the queue yet");
}

// The newest sample says that less is enough, is not stale yet, and the server has died since.
TEST_F(ControllerTest, NothingIsGivenBackWhileTheQueueDoesNotAnswer) {
  ServiceSpec quick = spec("a");
  quick.sample_interval = quick.metrics_window = 500ms;
  quick.check_interval = 1s;
  World& w = worlds["a"];
  w.queue.num_pending = 1500;
  apply({quick});
  pass(10s);
  const int before = w.replicas;
  ASSERT_GT(before, 3);
  w.queue.num_pending = 0;
  w.queue.delivered_consumer_seq = 1500;
  const int reads = w.reads;
  while (w.reads == reads) pass(100ms);
  ASSERT_EQ(w.replicas, before) << "the check comes later";
  w.queue_error = Error{ErrorCode::kUnavailable, "connection refused", true};
  pass(60s);
  EXPECT_EQ(w.replicas, before) << text.str();
  w.queue_error.reset();
  pass(60s);
  EXPECT_LT(w.replicas, before);
}

// A check that falls a moment behind a sample does not take another one: two so near tell no rate.
TEST_F(ControllerTest, ACheckRestsOnASampleThatHasJustCome) {
  ServiceSpec often = spec("a");
  often.sample_interval = 1s;
  often.check_interval = 1100ms;
  apply({often});
  pass(60s);
  const auto decisions = journal.decisions();
  ASSERT_GT(decisions.size(), 30u);
  double last = 0;
  for (const auto& d : decisions) {
    for (const auto& input : d["inputs"]) {
      const double t = input["t"];
      EXPECT_GT(t - last, 0.2) << d;
      last = t;
    }
  }
}

TEST_F(ControllerTest, AMissingQueueIsLoggedOnceAndRecoversByItself) {
  World& w = worlds["a"];
  w.queue_error = Error{ErrorCode::kNotFound, "stream EVENTS is not there; make it with ...", true};
  apply({spec("a")});
  pass(25s);
  EXPECT_TRUE(w.orders.empty());
  std::size_t lines = 0;
  const std::string log = text.str();
  for (std::size_t at = 0; (at = log.find("stream EVENTS is not there", at)) != std::string::npos; ++at)
    ++lines;
  EXPECT_EQ(lines, 1u);
  const auto why = controller->status("a")[0]["why_nothing_happens"].get<std::string>();
  EXPECT_NE(why.find("EVENTS is not there"), std::string::npos) << why;
  EXPECT_EQ(why.find("the queue has been missing for "), 0u) << why;
  w.queue_error.reset();
  w.queue.num_pending = 1500;
  pass(8s);
  EXPECT_EQ(w.orders, (std::vector<int>{3}));
  EXPECT_NE(text.str().find("the queue answers again"), std::string::npos);
}

// With a check each 10 s the first sample of a burst decides, not the check after it.
TEST_F(ControllerTest, RulesReactWithTheFirstSampleThatShowsIt) {
  World& w = worlds["a"];
  w.queue.num_pending = 0;
  auto s = spec("a");
  s.metrics_window = 1s;
  apply({s});
  pass(32s);  // a check was at 30 s
  w.queue.num_pending = 1500;
  pass(2200ms);
  ASSERT_EQ(w.orders, (std::vector<int>{3}));
  EXPECT_EQ(journal.decisions().back()["reason"], "queue.backlog 1500.0 > 500");
  // It lasts: from here on the steps keep the interval.
  pass(8s);
  EXPECT_EQ(w.orders, (std::vector<int>{3}));
  pass(3s);
  EXPECT_EQ(w.orders, (std::vector<int>{3, 5}));
  const auto before = journal.decisions().size();
  pass(60s);
  EXPECT_LE(journal.decisions().size() - before, 7u) << "at the bound or not, no oftener than the checks";
}

TEST_F(ControllerTest, ABurstThatComesAndGoesIsEvaluatedAheadOnceBetweenTwoChecks) {
  World& w = worlds["a"];
  auto s = spec("a");
  s.metrics_window = 1s;
  s.limits.max_replicas = 2;
  s.rules->scale_down_when.clear();
  apply({s});
  pass(5s);
  const auto before = journal.decisions().size();
  for (int i = 0; i < 30; ++i) {
    w.queue.num_pending = i % 2 == 0 ? 1500 : 0;
    pass(2s);
  }
  EXPECT_LE(journal.decisions().size() - before, 13u);
}

TEST_F(ControllerTest, AFailedOrderIsRecordedAndTriedAgainLater) {
  World& w = worlds["a"];
  w.queue.num_pending = 1500;
  w.scale_error = Error{ErrorCode::kUnavailable, "no such command", false};
  apply({spec("a")});
  pass(35s);
  EXPECT_LE(w.orders.size(), 2u);
  EXPECT_EQ(journal.decisions()[0]["outcome"], "failed");
  EXPECT_EQ(journal.decisions()[0]["error"], "no such command");
  w.scale_error.reset();
  pass(60s);
  EXPECT_GT(w.replicas, 1);
}

TEST_F(ControllerTest, AnOrderThatFailsForAMomentIsTriedAgainSoon) {
  World& w = worlds["a"];
  w.queue.num_pending = 1500;
  w.scale_error = Error{ErrorCode::kConflict, "somebody is changing the service", true};
  apply({spec("a")});
  pass(500ms);
  EXPECT_EQ(w.orders.size(), 1u);
  w.scale_error.reset();
  pass(3s);
  EXPECT_EQ(w.replicas, 3) << "long before the next check";
}

TEST_F(ControllerTest, AnOrderThatComesTooLateForItsStateIsDecidedAnewAndNotForEver) {
  World& w = worlds["a"];
  w.queue.num_pending = 1500;
  w.version = "7";
  w.scale_error = Error{ErrorCode::kConflict, "it has changed meanwhile", true};
  apply({spec("a")});
  pass(900ms);
  EXPECT_EQ(w.orders.size(), 4u) << "three times anew at once, then a failure";
  const auto d = journal.decisions();
  ASSERT_EQ(d.size(), 4u) << d[0] << d.back();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(d[i]["outcome"], "conflict");
  EXPECT_EQ(d[3]["outcome"], "failed");
  w.scale_error.reset();
  pass(3s);
  EXPECT_EQ(w.replicas, 3) << "long before the next check";
}

TEST_F(ControllerTest, AnOrderUnderWayCountsAsCarriedOut) {
  World& w = worlds["a"];
  w.queue.num_pending = 1500;
  w.hold_orders = true;
  apply({spec("a")});
  pass(7s);
  EXPECT_EQ(journal.decisions()[0]["outcome"], "pending");
  ASSERT_TRUE(controller->scale("a", 5, std::nullopt, "", "ann"));
  pass(1s);
  ASSERT_TRUE(controller->scale("a", 7, std::nullopt, "", "ann"));
  EXPECT_EQ(w.orders, (std::vector<int>{3, 5, 7}));
  ASSERT_EQ(w.waiting.size(), 3u);
  w.waiting[0](std::string("late"));  // superseded: nobody waits for it
  w.waiting[2](std::string("started"));
  pass(1s);
  EXPECT_EQ(controller->status("a")[0]["last_decision"]["outcome"], "done");
}

TEST_F(ControllerTest, JobsThatAStopWouldCutOffAndAGoalThatCostsTooMuchAreTold) {
  World& w = worlds["a"];
  w.numbers = {{"capacity", 0.02}, {"capacity_error", 0.001}, {"headroom_short", 30.4}, {"kept", 97.52}};
  auto s = spec("a");
  s.objective = ObjectiveSpec{};
  apply({s});
  pass(11s);
  const auto conditions = [&] { return controller->status("a")[0]["conditions"].dump(); };
  EXPECT_NE(conditions().find("a job takes 50s, stop_grace_period is 10s"), std::string::npos)
      << conditions();
  EXPECT_NE(conditions().find("97.5% of the messages are in time; 99% would take 31 replicas more"),
            std::string::npos)
      << conditions();
  w.numbers = {{"capacity", 0.02}, {"capacity_error", 0.01}};
  pass(11s);
  EXPECT_EQ(conditions().find("cut_off"), std::string::npos) << "a first impression: " << conditions();
  w.numbers = {{"capacity", 0.02}, {"capacity_error", 0.001}, {"in_hand_for", 50}};
  pass(11s);
  EXPECT_NE(conditions().find("a job takes about 50s"), std::string::npos) << conditions();
  w.numbers = {{"capacity", 0.2}, {"capacity_error", 0.001}};
  pass(11s);
  EXPECT_EQ(conditions().find("cut_off"), std::string::npos) << conditions();
  EXPECT_EQ(conditions().find("headroom_short"), std::string::npos) << conditions();
}

// The page and the decision's reason say the same.
TEST_F(ControllerTest, OfAQueueThatCountsNothingTheOldestIsThePolicys) {
  World& w = worlds["a"];
  w.queue.delivered_consumer_seq.reset();
  w.queue.num_pending = 5;
  w.numbers = {{"oldest_wait", 46}};
  auto s = spec("a");
  s.objective = ObjectiveSpec{};
  apply({s});
  pass(31s);
  const auto oldest = [&] { return board.service("a")->oldest_wait.value_or(-1); };
  EXPECT_GE(oldest(), 46);
  EXPECT_LE(oldest(), 46 + 11);
  w.queue.num_pending = 0;
  pass(2s);
  EXPECT_EQ(oldest(), 0);
  w.queue.num_pending = 5;
  pass(2s);
  EXPECT_LE(oldest(), 4) << "none waited two seconds before";
}

// What a counter tells may never fall: the replica goes, and what it was restarted stays counted.
TEST_F(ControllerTest, RestartsAreCountedFromWhenDocktorCameAndNeverFall) {
  World& w = worlds["a"];
  w.replicas = 1;
  w.restarts = 3;
  apply({spec("a")});
  const auto told = [&] {
    controller->change_callback("a")();
    pass(1s);
    return board.service("a")->tally.restarts;
  };
  EXPECT_EQ(told(), 0U) << "before docktor came";
  w.restarts = 5;
  EXPECT_EQ(told(), 2U);
  EXPECT_EQ(told(), 2U);
  w.replicas = 0;
  EXPECT_EQ(told(), 2U);
  w.replicas = 1;
  w.restarts = 1;
  EXPECT_EQ(told(), 2U) << "another one under the same name";
  w.restarts = 2;
  EXPECT_EQ(told(), 3U);
  auto changed = spec("a");
  changed.limits.max_replicas = 20;
  apply({changed});
  EXPECT_EQ(told(), 3U) << "a reload counts none twice";
  w.restarts = 3;
  EXPECT_EQ(told(), 4U);
}

TEST_F(ControllerTest, AServiceStoppedByHandIsLeftAloneUntilResume) {
  World& w = worlds["a"];
  w.replicas = 0;
  w.stopped_by_hand = "scaled to 0 outside docktor at 14:30";
  w.queue.num_pending = 1500;
  apply({spec("a")});
  pass(31s);
  EXPECT_TRUE(w.orders.empty());
  EXPECT_EQ(controller->status("a")[0]["why_nothing_happens"],
            "scaled to 0 outside docktor at 14:30, so docktor leaves it at 0; start a replica or run "
            "`docktor resume a`");
  ASSERT_TRUE(controller->resume("a", "ann"));
  EXPECT_FALSE(w.orders.empty());
  EXPECT_FALSE(controller->resume("b", "ann"));
}

TEST_F(ControllerTest, AFullDiskIsAWarningNotAStop) {
  World& w = worlds["a"];
  w.queue.num_pending = 1500;
  journal.full = true;
  apply({spec("a")});
  pass(11s);
  EXPECT_EQ(w.orders, (std::vector<int>{3, 5}));
  EXPECT_NE(text.str().find("no space left"), std::string::npos);
  journal.full = false;
  pass(10s);
  EXPECT_FALSE(journal.decisions().empty());
}

TEST_F(ControllerTest, AReloadKeepsUnchangedServicesAndRemakesChangedOnes) {
  apply({spec("a"), spec("b")});
  pass(1s);
  auto changed = spec("b");
  changed.limits.max_replicas = 4;
  const auto text_of = controller->apply({spec("a"), changed, spec("c")}, [this](const ServiceSpec& s) {
    ServiceParts p;
    p.spec = s;
    p.policy = make_policy(s);
    p.queue = std::make_unique<FakeSource>(worlds[s.name]);
    p.target = std::make_unique<FakeTarget>(worlds[s.name]);
    return p;
  });
  EXPECT_EQ(text_of, "loaded 3 services: 1 unchanged, 1 changed, 1 added");
  EXPECT_EQ(controller->status("b")[0]["max_replicas"], 4);
}

// Design, invariant 8: the start record's state and the records' inputs give the same decisions again.
// Feeds the inputs of `decisions` to the configuration of `s`, from a record with its state on.
int replay(const ServiceSpec& s, const nlohmann::ordered_json& from,
           const std::vector<nlohmann::ordered_json>& decisions) {
  Autoscaler again(s, make_policy(s));
  again.restore(from["state"], time_at(from["t"].get<double>()));
  int checked = 0;
  for (const auto& r : decisions) {
    for (const auto& line : r["inputs"]) {
      const auto in = input_from_json(nlohmann::json::parse(line.dump()));
      EXPECT_TRUE(in && again.observe(in->second)) << "an input that is in the state already";
    }
    const auto& c = r["replicas"];
    const Decision d = again.evaluate(
        time_at(r["t"].get<double>()), {c["current"], c["ready"], c["failing"]},
        overrides_from_json(r.contains("overrides") ? nlohmann::json(r["overrides"]) : nlohmann::json()));
    EXPECT_EQ(d.target, r["target_replicas"]) << r;
    EXPECT_EQ(d.reason, r["reason"].get<std::string>());
    ++checked;
  }
  return checked;
}

TEST_F(ControllerTest, EachJournalFileStandsAloneFromTheStateThatFollowsItsFirstRecord) {
  World& w = worlds["a"];
  auto s = spec("a", 0);
  s.limits.cooldown_down = 25s;
  apply({s});
  int files = 0;
  for (int i = 0; i < 90; ++i) {
    w.queue.num_pending = i % 20 < 8 ? 700 + 10 * static_cast<std::uint64_t>(i) : 20;
    w.queue.delivered_consumer_seq = *w.queue.delivered_consumer_seq + 40;
    w.queue.delivered_stream_seq = w.queue.delivered_consumer_seq;
    pass(3s);
    if (i % 30 != 29) continue;
    // The file's records: decisions before its snapshot, of which the older file knows the beginning; and
    // those after it, for which nothing but the file is needed.
    std::vector<nlohmann::ordered_json> before, after;
    std::optional<nlohmann::ordered_json> state;
    for (const auto& r : journal.records) {
      const auto event = r.value("event", "");
      if (event == "start" || event == "snapshot")
        state = r;
      else if (r.contains("decision"))
        (state ? after : before).push_back(r);
    }
    ASSERT_TRUE(state) << "file " << files;
    EXPECT_LE(before.size(), 2u);
    EXPECT_GE(replay(s, *state, after), 5);
    journal.records.clear();
    ++journal.number;
    ++files;
  }
  EXPECT_EQ(files, 3);
}

// What happens to one service costs nothing for the others.
TEST_F(ControllerTest, AStepLooksOnlyAtServicesThatAreDueOrToldSomething) {
  std::vector<ServiceSpec> specs;
  for (int i = 0; i < 300; ++i) specs.push_back(spec("s" + std::to_string(i)));
  apply(specs);
  pass(2s);
  clock.time += 1ms;
  controller->step(0ns);
  controller->step(0ns);
  for (auto& [name, w] : worlds) w.looks = 0;
  controller->change_callback("s7")();
  controller->step(0ns);
  for (const auto& [name, w] : worlds) EXPECT_EQ(w.looks, name == "s7" ? 1 : 0) << name;
  // And nobody is forgotten.
  pass(30s);
  for (const auto& name : controller->names()) EXPECT_GE(controller->find(name)->evaluations, 3u) << name;
}

// Whoever asks is answered while thousands are due, and not after them.
TEST_F(ControllerTest, ARequestIsAnsweredAheadOfWhatThousandsOfServicesTell) {
  std::vector<ServiceSpec> specs;
  for (int i = 0; i < 1000; ++i) specs.push_back(spec("s" + std::to_string(i)));
  apply(specs);
  for (int i = 0; i < 6; ++i) controller->step(0ns);  // all samples are asked for, their answers wait
  int told = 0, before = -1;
  for (int i = 0; i < 1000; ++i) controller->inbox()->push([&] { ++told; });
  controller->inbox()->push_first([&] { before = told; });
  controller->step(0ns);
  EXPECT_EQ(before, 0);
  EXPECT_LT(told, 1000) << "a step has an end";
  for (int i = 0; i < 20; ++i) controller->step(0ns);
  EXPECT_EQ(told, 1000);
}

TEST_F(ControllerTest, AServiceForWhichTheSystemHasNothingLeftIsToldAndTheOthersGoOn) {
  const auto text_of = controller->apply({spec("a"), spec("b")}, [this](const ServiceSpec& s) {
    if (s.name == "a") throw std::system_error(EAGAIN, std::generic_category(), "no thread");
    ServiceParts p;
    p.spec = s;
    p.policy = make_policy(s);
    p.queue = std::make_unique<FakeSource>(worlds[s.name]);
    p.target = std::make_unique<FakeTarget>(worlds[s.name]);
    return p;
  });
  EXPECT_NE(text_of.find("not scaled for want of threads or descriptors: a"), std::string::npos) << text_of;
  worlds["b"].queue.num_pending = 1500;
  pass(11s);
  EXPECT_EQ(worlds["b"].replicas, 5);
  apply({spec("a"), spec("b")});
  EXPECT_TRUE(controller->find("a")) << "a reload tries again";
}

TEST_F(ControllerTest, ThousandsOfServicesAnswerEventsWhileTheyAreMadeAndStopWhenTold) {
  std::vector<ServiceSpec> specs;
  for (int i = 0; i < 50; ++i) specs.push_back(spec("s" + std::to_string(i)));
  int answered = 0;
  controller->apply(
      specs,
      [this](const ServiceSpec& s) {
        ServiceParts p;
        p.spec = s;
        p.policy = make_policy(s);
        p.queue = std::make_unique<FakeSource>(worlds[s.name]);
        p.target = std::make_unique<FakeTarget>(worlds[s.name]);
        return p;
      },
      [&](std::size_t made) {
        controller->inbox()->push([&] { answered += controller->status().size() == made; });
        controller->answer_events();
        return made < 20;
      });
  EXPECT_EQ(answered, 20);
  EXPECT_EQ(controller->names().size(), 20u);
  pass(1s);
}

TEST_F(ControllerTest, TheJournalAloneReproducesEveryDecision) {
  World& w = worlds["a"];
  auto s = spec("a", 0);
  s.limits.cooldown_down = 25s;
  apply({s});
  for (int i = 0; i < 60; ++i) {
    w.queue.num_pending = i % 20 < 8 ? 700 + 10 * static_cast<std::uint64_t>(i) : 20;
    w.queue.delivered_consumer_seq = w.queue.delivered_consumer_seq.value_or(0) + 40;
    w.queue.delivered_stream_seq = w.queue.delivered_consumer_seq;
    pass(3s);
  }
  const auto& start = journal.records.front();
  ASSERT_EQ(start["event"], "start");
  Autoscaler again(s, make_policy(s));
  again.restore(start["state"], time_at(start["t"].get<double>()));
  int checked = 0, moved = 0;
  for (const auto& r : journal.decisions()) {
    for (const auto& line : r["inputs"]) {
      const auto in = input_from_json(nlohmann::json::parse(line.dump()));
      ASSERT_TRUE(in);
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
