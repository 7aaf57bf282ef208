#include "targets/kubernetes/workload_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docktor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class WorkloadStateTest : public testing::Test {
 protected:
  static ScaleView scale(int desired) { return {"u", "1", desired, "app=w"}; }
  static KubePod pod(const std::string& name, ReplicaState state = ReplicaState::kReady) {
    KubePod p;
    p.name = p.uid = name;
    p.labels = {{"app", "w"}};
    p.owner_kind = "ReplicaSet";
    p.owner_name = "w-5d";
    p.state = state;
    return p;
  }
  std::string news() {
    std::string out;
    for (const auto& n : s.take_news()) out += n + "\n";
    return out;
  }
  Time now = time_at(1e6);
  WorkloadState s{*parse_workload("w")};
};

TEST_F(WorkloadStateTest, WhereAnotherSetsTheNumberItsZeroIsNoPersonsStopAndItsChangesNoFight) {
  s.follow();
  s.on_scale(scale(0), now);
  EXPECT_EQ(s.report(now).stopped_by_hand, "");
  for (const int n : {2, 0, 3, 0, 4, 0}) {
    s.on_sent(1);
    s.on_own_scale(scale(1), now);
    s.on_scale(scale(n), now);
    EXPECT_EQ(s.report(now).stopped_by_hand, "");
    EXPECT_EQ(s.report(now).hold, "");
  }
  EXPECT_THAT(news(), HasSubstr("somebody set 2 replicas (from 1)\n"));
}

TEST_F(WorkloadStateTest, AZeroWhileNobodyLedIsAPersonsUnlessTheOneBeforeWasToOrderIt) {
  for (const bool ran : {true, false}) {
    for (const bool early : {true, false}) {  // what it is told comes before the number is read
      WorkloadState next{*parse_workload("w")};
      next.follow();
      if (!early) {
        next.on_scale(scale(3), now);
        next.on_scale(scale(0), now);
        EXPECT_EQ(next.report(now).stopped_by_hand, "") << "the leader's, for all that a follower knows";
      }
      next.lead({.stopped_by_hand = "", .ran = ran});
      if (early) next.on_scale(scale(0), now);
      EXPECT_EQ(next.report(now).stopped_by_hand,
                ran ? "scaled to 0 outside docktor while docktor was away" : "");
      next.on_scale(scale(2), now);
      EXPECT_EQ(next.report(now).stopped_by_hand, "");
    }
  }
}

TEST_F(WorkloadStateTest, ThatAPodHadToBeKilledStandsUntilStopsAreCleanAgain) {
  s.on_scale(scale(3), now);
  s.set_pods({pod("a"), pod("b"), pod("c")});
  const auto stop = [&](const std::string& name, bool in_time) {
    auto p = pod(name, ReplicaState::kStopping);
    s.on_pod(p);
    if (!in_time) p.killed = 5s;
    p.ended = true;
    s.on_pod(p);
    s.on_pod_gone(name);
  };
  s.on_pod(pod("b", ReplicaState::kStopping));
  stop("a", false);
  const auto told = s.report(now).killed;
  EXPECT_THAT(told, HasSubstr("pod a did not end within 5s of SIGTERM and was killed"));
  EXPECT_THAT(told, HasSubstr("longer terminationGracePeriodSeconds"));
  EXPECT_THAT(news(), HasSubstr("pod a did not end within its grace period of 5s: killed\n"));
  stop("b", true);
  EXPECT_EQ(s.report(now).killed, told) << "the two stopped beside each other";
  stop("c", true);
  EXPECT_EQ(s.report(now).killed, "");
}

TEST_F(WorkloadStateTest, WhoEndsAtOnceDoesSoAlsoInTheMomentInWhichItWorks) {
  s.on_scale(scale(1), now);
  auto p = pod("a", ReplicaState::kFailing);
  p.at_once = 3;
  s.on_pod(p);
  EXPECT_EQ(s.report(now).replicas.at(0).at_once, 3);
  EXPECT_FALSE(s.waits_for_time());
  p.state = ReplicaState::kReady;
  p.since = now;
  s.on_pod(p);
  EXPECT_EQ(s.report(now + 5s).replicas.at(0).at_once, 3);
  EXPECT_TRUE(s.waits_for_time());
  EXPECT_EQ(s.report(now + 10s).replicas.at(0).at_once, 0);
  EXPECT_FALSE(s.waits_for_time());
}

TEST_F(WorkloadStateTest, ItsNumberCountsAndPodsOfOthersDoNot) {
  s.on_scale(scale(3), now);
  auto other = pod("other");
  other.owner_name = "x-5d";
  auto bare = pod("bare");
  bare.owner_kind = bare.owner_name = "";
  auto labelled = pod("labelled");
  labelled.labels = {{"app", "v"}};
  EXPECT_TRUE(s.owns(pod("a")));
  EXPECT_FALSE(s.owns(other));
  EXPECT_FALSE(s.owns(bare));
  EXPECT_FALSE(s.owns(labelled));
  s.set_pods({pod("a"), pod("b", ReplicaState::kStarting), pod("c", ReplicaState::kStopping)});
  const auto c = count(s.report(now));
  EXPECT_EQ(c.current, 3);
  EXPECT_EQ(c.ready, 1);
}

TEST_F(WorkloadStateTest, AZeroByWhatAppliesFilesIsNoStop) {
  s.on_scale(scale(3), now);
  s.on_facts(WorkloadFacts{.writer = "argocd-controller"});
  s.on_scale(scale(0), now);
  EXPECT_EQ(s.report(now).stopped_by_hand, "");
  EXPECT_EQ(news(), "argocd-controller set 0 replicas (from 3) outside docktor\n");
  s.on_scale(scale(2), now);
  s.on_facts(WorkloadFacts{.writer = "kubectl"});
  s.on_scale(scale(0), now);
  EXPECT_THAT(s.report(now).stopped_by_hand, HasSubstr("scaled to 0 outside docktor at "));
  s.on_scale(scale(1), now);
  EXPECT_EQ(s.report(now).stopped_by_hand, "");
}

TEST_F(WorkloadStateTest, ItsOwnZeroIsNobodyElsesThoughItIsReadBeforeTheAnswerOrThatNeverComes) {
  s.on_scale(scale(1), now);
  s.on_sent(0);
  s.on_scale(scale(1), now);
  s.on_scale(scale(0), now);
  EXPECT_EQ(s.report(now).stopped_by_hand, "");
  s.on_own_scale(scale(0), now);
  EXPECT_EQ(news(), "");
  s.on_sent(2);
  s.on_scale(scale(2), now);
  s.on_own_scale(scale(2), now);
  s.on_scale(scale(0), now);
  EXPECT_NE(s.report(now).stopped_by_hand, "") << "this one is not docktor's";
}

TEST_F(WorkloadStateTest, AZeroThatDocktorSentBeforeItDiedIsItsOwn) {
  s.restore({.desired = 1, .sent = 0});
  s.on_scale(scale(0), now);
  EXPECT_EQ(s.report(now).stopped_by_hand, "");
  WorkloadState other{*parse_workload("w")};
  other.restore({.desired = 1});
  other.on_scale(scale(0), now);
  EXPECT_NE(other.report(now).stopped_by_hand, "");
}

TEST_F(WorkloadStateTest, AZeroAfterAnOrderThatWasRefusedIsSomebodyElses) {
  s.on_scale(scale(2), now);
  s.on_sent(0);
  s.on_refused();
  s.on_scale(scale(0), now);
  EXPECT_NE(s.report(now).stopped_by_hand, "");
}

TEST_F(WorkloadStateTest, AnAutoscalerThatIsUndoneStopsFightingForAWhile) {
  s.on_scale(scale(1), now);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(s.report(now).hold, "");
    s.on_own_scale(scale(5), now);
    s.on_scale(scale(1), now += 1min);
  }
  EXPECT_THAT(s.report(now).hold, HasSubstr("somebody undid docktor's orders 3 times"));
  EXPECT_EQ(s.report(now + 8min).hold, "");
  s.on_scale(scale(2), now += 20min);
  s.on_scale(scale(3), now += 1min);
  EXPECT_EQ(s.report(now).hold, "") << "nothing of docktor's was undone";
}

TEST_F(WorkloadStateTest, PodsThatAreNotMadeAreTold) {
  s.on_scale(scale(4), now);
  s.set_pods({pod("a"), pod("b")});
  EXPECT_EQ(count(s.report(now)).not_placed, 0) << "they may be on their way";
  EXPECT_TRUE(s.waits_for_time());
  EXPECT_THAT(not_placed_text(s.report(now + 31s).replicas),
              HasSubstr("2 replicas wait for room: no pod was made for them since"));
  s.on_facts(WorkloadFacts{.refused = "exceeded quota: q"});
  EXPECT_EQ(not_placed_text(s.report(now).replicas), "2 replicas wait for room: exceeded quota: q");
  s.set_pods({pod("a"), pod("b"), pod("c"), pod("d")});
  EXPECT_EQ(count(s.report(now)).not_placed, 0);
}

TEST_F(WorkloadStateTest, AStatefulSetThatWaitsForAPodToGetReadyLacksNone) {
  s.on_scale(scale(4), now);
  s.set_pods({pod("a"), pod("b", ReplicaState::kStarting)});
  s.report(now);
  EXPECT_EQ(count(s.report(now + 10min)).not_placed, 0);
}

TEST_F(WorkloadStateTest, TheIdlestReadyPodsAreNamedWhereNoneGoesByItself) {
  s.on_scale(scale(4), now);
  s.set_pods({pod("a"), pod("b"), pod("c"), pod("d", ReplicaState::kStarting)});
  EXPECT_THAT(s.idlest(1, {{"a", 50}, {"b", 0}, {"c", 20}}), ElementsAre()) << "the one that starts goes";
  EXPECT_THAT(s.idlest(2, {{"a", 50}, {"b", 0}, {"c", 20}}), ElementsAre("b"));
  EXPECT_THAT(s.idlest(3, {{"a", 50}, {"b", 0}, {"c", 20}}), ElementsAre("b", "c"));
}

TEST_F(WorkloadStateTest, CrashesEndingsAndStuckRollOutsAreNewsOnce) {
  s.on_scale(scale(1), now);
  s.on_pod(pod("a"));
  auto crashed = pod("a", ReplicaState::kFailing);
  crashed.restarts = 1;
  crashed.note = "CrashLoopBackOff";
  s.on_pod(crashed);
  s.on_pod(crashed);
  s.on_facts(WorkloadFacts{.stuck = "ProgressDeadlineExceeded: x"});
  s.on_facts(WorkloadFacts{.stuck = "ProgressDeadlineExceeded: x"});
  crashed.ended = true;
  s.on_pod(crashed);
  EXPECT_EQ(news(),
            "pod a was started anew: CrashLoopBackOff\na roll-out is stuck: ProgressDeadlineExceeded: x\npod "
            "a has ended\n");
  EXPECT_TRUE(s.report(now).replicas.empty());
}

TEST_F(WorkloadStateTest, AWorkloadThatIsMadeAnewIsAdoptedAsItIs) {
  s.on_scale(scale(3), now);
  s.set_pods({pod("a")});
  auto anew = scale(0);
  anew.uid = "v";
  s.on_scale(anew, now);
  EXPECT_EQ(s.report(now).stopped_by_hand, "");
  EXPECT_THAT(news(), HasSubstr("was made anew, with 0 replicas"));
}

}  // namespace
}  // namespace docktor
