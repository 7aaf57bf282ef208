// Several daemons, one of which acts: what the others do meanwhile, and what passes from one to the next.
#include "control/controller_test_bench.h"

namespace docktor {
namespace {

class FakeLease final : public Lease {
 public:
  LeaseStanding standing() const override { return {until.has_value(), leader, 4, trouble}; }
  std::optional<LeaseTerm> term(Time now) const override {
    if (!until || now >= *until) return std::nullopt;
    return LeaseTerm{*until, *until + 5s};
  }
  Legacy left(const std::string& service) const override {
    const auto at = legacies.find(service);
    return at == legacies.end() ? Legacy{} : at->second;
  }
  void leave(const std::string& service, Legacy legacy) override { legacies[service] = std::move(legacy); }

  void once_left(std::function<void(Result<void>)> done) override {
    ++asked;
    if (!left_error)
      done({});
    else
      done(tl::unexpected(*left_error));
  }

  int asked = 0;  // whether what was left is written
  std::optional<Error> left_error;
  std::optional<Time> until;
  std::string leader = "docktor-2", trouble;
  std::map<std::string, Legacy> legacies;
};

class LeaseTest : public ControllerTest {
 protected:
  LeaseTest() { controller->share(&lease); }
  ~LeaseTest() override { controller.reset(); }
  void lead() {
    lease.leader = "docktor-1";
    lease.until = clock.time + 1h;
  }
  void follow() {
    lease.leader = "docktor-2";
    lease.until.reset();
  }
  World& world() { return worlds["a"]; }
  void lead_with_a_proposal() {
    manual = true;
    build();
    controller->share(&lease);
    lead();
    world().queue.num_pending = 1500;
    apply({spec("a")});
    pass(2s);
  }

  FakeLease lease;
};

TEST_F(LeaseTest, AFollowerSamplesDecidesAndHoldsAndSaysWhoLeads) {
  world().queue.num_pending = 1500;
  apply({spec("a")});
  pass(30s);
  EXPECT_GT(world().reads, 25);
  EXPECT_TRUE(world().orders.empty());
  EXPECT_EQ(world().follows, 1);
  const auto d = journal.decisions().at(1);
  EXPECT_EQ(d["decision"], "scale_up");
  EXPECT_EQ(d["target_replicas"], 3);
  EXPECT_EQ(d["outcome"], "follows");
  EXPECT_EQ(d["leader"], "docktor-2 leads, and this docktor follows");
  EXPECT_EQ(controller->status("a")[0]["why_nothing_happens"], "docktor-2 leads, and this docktor follows");
  EXPECT_FALSE(board.daemon().lease->leads);
}

TEST_F(LeaseTest, WhoeverBeginsToLeadDecidesAtOnceOnASampleOfItsOwn) {
  world().queue.num_pending = 1500;
  apply({spec("a")});
  pass(12s);
  ASSERT_TRUE(world().orders.empty());
  const int reads = world().reads;
  lead();
  pass(300ms);
  EXPECT_EQ(world().orders, (std::vector<int>{3}));
  EXPECT_GT(world().reads, reads);
  EXPECT_EQ(world().leads, 1);
}

TEST_F(LeaseTest, ALeaseThatRanOutUnnoticedStopsTheNextOrder) {
  lead();
  apply({spec("a")});
  pass(15s);
  world().queue.num_pending = 1500;
  lease.until = clock.time;  // as after SIGSTOP: nobody has said a word
  pass(12s);
  EXPECT_TRUE(world().orders.empty());
  EXPECT_EQ(journal.decisions().back()["outcome"], "follows");
}

TEST_F(LeaseTest, TheLeadersStepIsOneThatAFollowerGoesOnFrom) {
  auto s = spec("a");
  world().queue.num_pending = 1500;
  apply({s});
  pass(5s);
  world().replicas = 3;  // the leader's order; two of them start
  world().starting = 2;
  pass(5s);
  lead();
  pass(15s);
  EXPECT_TRUE(world().orders.empty()) << "the leader before would have waited for these";
  EXPECT_NE(journal.decisions().back()["reason"].get<std::string>().find("are starting"), std::string::npos)
      << journal.decisions().back();
  world().starting = 0;
  pass(11s);
  EXPECT_EQ(world().orders, (std::vector<int>{5}));
}

TEST_F(LeaseTest, WhatPeopleSaidPassesToTheNext) {
  lead();
  apply({spec("a")});
  pass(1s);
  ASSERT_TRUE(controller->pause("a", {}, "deploying", "ann"));
  world().stopped_by_hand = "scaled to 0 by bob";
  pass(2s);
  const auto left = lease.legacies;
  EXPECT_EQ(left.at("a").said["stopped_by_hand"], "scaled to 0 by bob");
  EXPECT_TRUE(left.at("a").learned.is_object());

  // The next one, which had been told otherwise when it started.
  build();
  controller->share(&lease);
  follow();
  lease.legacies.clear();
  world() = World{};
  world().queue.num_pending = 1500;
  apply({spec("a")});
  pass(3s);
  lease.legacies = left;
  lead();
  pass(3s);
  EXPECT_TRUE(world().orders.empty());
  EXPECT_EQ(world().stop_left, "scaled to 0 by bob");
  const auto status = controller->status("a")[0];
  EXPECT_NE(status["why_nothing_happens"].get<std::string>().find("paused by ann"), std::string::npos)
      << status;
}

TEST_F(LeaseTest, WhoeverLeadsAgainKnowsWhatItWasToldBefore) {
  lead();
  apply({spec("a")});
  pass(1s);
  ASSERT_TRUE(controller->scale("a", 2, {}, "", "ann"));
  follow();  // the API server was gone for a while, and nobody else led
  pass(1s);
  lead();
  pass(1s);
  EXPECT_EQ(controller->status("a")[0]["overrides"][0]["replicas"], 2) << controller->status("a")[0];
}

TEST_F(LeaseTest, APauseThatWasEndedMeanwhileIsOverForTheNextOne) {
  lead();
  apply({spec("a")});
  pass(1s);
  ASSERT_TRUE(controller->pause("a", {}, "", "ann"));
  follow();
  pass(1s);
  lease.legacies["a"] = {nlohmann::json::object(), nullptr};  // the leader meanwhile was told to go on
  world().queue.num_pending = 1500;
  lead();
  pass(2s);
  EXPECT_EQ(world().orders, (std::vector<int>{3}));
}

TEST_F(LeaseTest, AZeroIsKnownToTheNextOneBeforeItIsOrdered) {
  auto s = spec("a");
  s.limits.min_replicas = 0;
  lead();
  lease.left_error = Error{ErrorCode::kUnavailable, "the API server does not answer", true};
  world().hold_orders = true;
  apply({s});
  pass(100s);  // its queue is empty
  EXPECT_GT(lease.asked, 0);
  EXPECT_TRUE(world().orders.empty()) << "an order that the next one would take for a person's";
  const auto all = journal.decisions();
  EXPECT_TRUE(std::ranges::any_of(all, [](const auto& d) {
    return d["outcome"] == "failed" && d["error"] == "the API server does not answer";
  })) << all.back();
  EXPECT_EQ(lease.legacies["a"].said["zero_is_no_stop"], false) << "nothing of it is on its way";
  lease.left_error.reset();
  pass(100s);
  ASSERT_EQ(world().orders.front(), 0);
  EXPECT_EQ(lease.legacies["a"].said["zero_is_no_stop"], true);
  // It is there; and back.
  world().hold_orders = false;
  world().replicas = 0;
  world().waiting.back()(std::string("done"));
  pass(5s);
  EXPECT_EQ(lease.legacies["a"].said["zero_is_no_stop"], true);
  world().queue.num_pending = 1500;
  pass(20s);
  ASSERT_GT(world().replicas, 0);
  EXPECT_EQ(lease.legacies["a"].said["zero_is_no_stop"], false);
}

TEST_F(LeaseTest, TheTargetHearsWhetherAZeroMayBeTheLeadersOwn) {
  apply({spec("a")});
  for (const auto& [said, ran] : {std::pair{R"({"zero_is_no_stop": false})", true},
                                  {R"({"zero_is_no_stop": true})", false},
                                  {R"({"zero_is_no_stop": false, "stopped_by_hand": "by ann"})", false},
                                  {R"({"zero_is_no_stop": 0})", false},
                                  {R"({})", false}}) {
    follow();
    pass(1s);
    lease.legacies["a"] = {nlohmann::json::parse(said), nullptr};
    lead();
    pass(1s);
    EXPECT_EQ(world().ran_before, ran) << said;
  }
}

TEST_F(LeaseTest, ProposalsAndRejectionsPassToTheNext) {
  lead_with_a_proposal();
  const auto open = controller->proposals("a");
  ASSERT_EQ(open.size(), 1u);
  const auto id = open[0]["id"].get<std::string>();
  ASSERT_TRUE(controller->propose("a", 2, "a sale begins", "ann"));
  pass(1s);
  auto left = lease.legacies;

  // The next one, which has followed.
  const auto next = [&] {
    build();
    controller->share(&lease);
    follow();
    world() = World{};
    world().queue.num_pending = 1500;
    apply({spec("a")});
    pass(3s);
    EXPECT_TRUE(controller->proposals("a").empty());
    lease.legacies = left;
    lead();
    pass(3s);
  };
  next();
  const auto taken = controller->proposals("a");
  ASSERT_EQ(taken.size(), 2u) << taken;
  EXPECT_EQ(taken[0]["id"], id);
  EXPECT_EQ(taken[0]["reason"], open[0]["reason"]);
  EXPECT_GE(taken[0]["age"], open[0]["age"]);
  EXPECT_EQ(taken[1]["by"], "ann");
  EXPECT_GT(taken[1]["ends_in"], 500);
  EXPECT_NE(event("news")["text"].get<std::string>().find("of ann is taken over: 1 → 2 replicas"),
            std::string::npos);
  ASSERT_TRUE(controller->reject(id, "not now", "bob"));
  pass(1s);
  left = lease.legacies;
  next();
  EXPECT_EQ(controller->proposals("a").size(), 1u) << "what was rejected is not proposed again";
  const auto asked = controller->proposals("a")[0]["id"].get<std::string>();
  ASSERT_TRUE(controller->approve(asked, "bob"));
  pass(1s);
  EXPECT_EQ(world().orders, (std::vector<int>{2}));
  left = lease.legacies;
  EXPECT_FALSE(left["a"].said.contains("proposals") && left["a"].said["proposals"].contains("asked"));
}

TEST_F(LeaseTest, RubbishThatWasLeftIsNothing) {
  apply({spec("a")});
  for (const char* said :
       {R"({"overrides": 7, "stopped_by_hand": [1]})", R"({"overrides": {"hold": {"replicas": "many"}}})",
        R"({"proposals": [7]})",
        R"({"proposals": {"policy": {"id": "x", "from": -1, "to": 1e99}, "asked": "y"}})",
        R"({"proposals": {"asked": {"id": 1, "by": "z", "from": 1, "to": 3}}})", "[]", "3"}) {
    follow();
    pass(1s);
    lease.legacies["a"] = {nlohmann::json::parse(said), nlohmann::json::parse("[[]]")};
    lead();
    pass(1s);
    EXPECT_EQ(controller->status("a")[0].value("overrides", "none"), "none") << said;
    EXPECT_EQ(world().stop_left, "") << said;
    EXPECT_TRUE(controller->proposals("a").empty()) << said;
  }
}

TEST_F(LeaseTest, AFollowerRefusesWhatPeopleAskOfItAndNamesTheLeader) {
  apply({spec("a")});
  pass(1s);
  for (const auto& r : {controller->pause("a", {}, "", "ann"), controller->scale("a", 3, {}, "", "ann"),
                        controller->resume("a", "ann"), controller->set_bounds("a", {1, 4}, {}, "ann"),
                        controller->propose("a", 3, "", "ann"), controller->approve("run-1", "ann")}) {
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, ErrorCode::kConflict);
    EXPECT_EQ(r.error().message, "docktor-2 leads, and this docktor follows; ask the docktor that leads");
  }
}

TEST_F(LeaseTest, NobodyThatIsKnownToLeadIsSaidWithTheReason) {
  lease.leader.clear();
  lease.trouble = "the lease docktor in namespace shop cannot be read: forbidden";
  world().queue.num_pending = 1500;
  apply({spec("a")});
  pass(2s);
  EXPECT_EQ(controller->not_leading(),
            "no docktor leads: the lease docktor in namespace shop cannot be read: forbidden");
  lease.trouble.clear();
  EXPECT_EQ(controller->not_leading(), "no docktor leads yet");
}

TEST_F(LeaseTest, AStepDownInManualModeEndsTheOpenProposals) {
  lead_with_a_proposal();
  ASSERT_EQ(controller->proposals("a").size(), 1u);
  follow();
  pass(1s);
  EXPECT_TRUE(controller->proposals("a").empty());
  EXPECT_EQ(event("proposal_ended")["text"], "docktor-2 leads, and this docktor follows");
}

}  // namespace
}  // namespace docktor
