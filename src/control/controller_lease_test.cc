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

TEST_F(LeaseTest, RubbishThatWasLeftIsNothing) {
  apply({spec("a")});
  for (const char* said : {R"({"overrides": 7, "stopped_by_hand": [1]})",
                           R"({"overrides": {"hold": {"replicas": "many"}}})", "[]", "3"}) {
    follow();
    pass(1s);
    lease.legacies["a"] = {nlohmann::json::parse(said), nlohmann::json::parse("[[]]")};
    lead();
    pass(1s);
    EXPECT_EQ(controller->status("a")[0].value("overrides", "none"), "none") << said;
    EXPECT_EQ(world().stop_left, "") << said;
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
  manual = true;
  build();
  controller->share(&lease);
  lead();
  world().queue.num_pending = 1500;
  apply({spec("a")});
  pass(2s);
  ASSERT_EQ(controller->proposals("a").size(), 1u);
  follow();
  pass(1s);
  EXPECT_TRUE(controller->proposals("a").empty());
  EXPECT_EQ(event("proposal_ended")["text"], "docktor-2 leads, and this docktor follows");
}

}  // namespace
}  // namespace docktor
