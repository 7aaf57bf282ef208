// The target against a real API server, controllers and scheduler: numbers, pods, and what others do.
#include <filesystem>

#include "tests/kubernetes/stage.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(KubernetesTest, SetsTheNumberAndTellsWhatThePodsAre) {
  apply({.annotations = "{test/start-delay: \"0.3\"}"});
  auto w = watch();
  auto r = w->with_ready(1);
  EXPECT_EQ(r.desired, 1);
  EXPECT_EQ(r.grace, std::chrono::seconds(5));
  EXPECT_EQ(r.replicas[0].node, "n1");
  EXPECT_FALSE(r.version.empty());
  const auto done = w->decided(3);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(*done, "deployment worker 1 → 3");
  EXPECT_EQ(w->report().desired, 3) << "known at once, before any pod is there";
  w->once([](const TargetReport& t) { return t.replicas.size() == 3 && count(t).ready < 3; });
  w->with_ready(3);
  EXPECT_EQ(*w->order(3), "deployment worker has 3 replicas already");
  ASSERT_TRUE(w->order(1));
  w->with_ready(1);
  EXPECT_EQ(w->news(), "") << "its own orders are no news";
}

TEST_F(KubernetesTest, AnOrderThatRestsOnAnOldStateIsAConflict) {
  apply({});
  auto w = watch();
  const auto old = w->with_ready(1).version;
  kubectl("label deployment worker changed=yes");
  const auto r = w->order(3, old);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kConflict);
  const auto now = w->report();
  EXPECT_NE(now.version, old) << "read anew before the answer";
  EXPECT_EQ(now.desired, 1);
  EXPECT_TRUE(w->decided(3));
}

TEST_F(KubernetesTest, WhatASchedulerFindsNoRoomForIsNotPlaced) {
  apply({.replicas = 2, .container = ", resources: {requests: {cpu: \"10\"}}"});
  auto w = watch();
  const auto r =
      w->once([](const TargetReport& t) { return count(t).ready == 1 && count(t).not_placed == 1; });
  EXPECT_THAT(not_placed_text(r.replicas),
              HasSubstr("1 replica waits for room: 0/1 nodes are available: 1 Insufficient cpu"));
}

TEST_F(KubernetesTest, WhatAQuotaRefusesIsNotPlaced) {
  kubectl("create quota few --hard=pods=2");
  apply({.replicas = 4});
  auto w = watch();
  const auto r =
      w->once([](const TargetReport& t) { return count(t).ready == 2 && count(t).not_placed == 2; });
  EXPECT_THAT(not_placed_text(r.replicas), HasSubstr("exceeded quota: few"));
  EXPECT_EQ(count(r).current, 4);
  kubectl("delete quota few");
  w->with_ready(4);
}

TEST_F(KubernetesTest, BrokenImagesAndCrashLoopsAreFailing) {
  apply({.name = "worker", .image = "missing"});
  apply({.name = "crashing", .command = "[sh, -c, \"exit 3\"]"});
  auto image = watch();
  auto crash = watch("deployment/crashing");
  const auto a = image->once([](const TargetReport& t) { return count(t).failing == 1; });
  EXPECT_THAT(a.replicas[0].note, HasSubstr("ImagePullBackOff: Back-off pulling image"));
  const auto b =
      crash->once([](const TargetReport& t) { return count(t).failing == 1 && t.replicas[0].restarts > 0; });
  EXPECT_THAT(b.replicas[0].note, HasSubstr("CrashLoopBackOff"));
  // The first crash may have been before the first look.
  EXPECT_TRUE(eventually([&] { return crash->news().find("was started anew") != std::string::npos; }));
}

TEST_F(KubernetesTest, APodThatIsDeafToSigtermIsToldUntilOneEndsInTime) {
  TempDir dir;
  const auto script = dir.file(
      "worker", "test -e \"$0.well\" || trap '' TERM; echo >\"$0.up\"; while :; do sleep 0.05; done\n");
  const auto up = dir.path() / "worker.up";
  apply({.command = fmt::format("[/bin/sh, \"{}\"]", script), .grace = 1});
  auto w = watch();
  w->with_ready(1);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(up); }));
  ASSERT_TRUE(w->decided(0));
  const auto told =
      w->once([](const TargetReport& r) { return r.replicas.empty() && !r.killed.empty(); }).killed;
  EXPECT_THAT(told, HasSubstr("did not end within 1s of SIGTERM and was killed"));
  dir.file("worker.well", "");
  std::filesystem::remove(up);
  ASSERT_TRUE(w->decided(1));
  w->with_ready(1);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(up); }));
  EXPECT_EQ(w->report().killed, told) << "nothing was stopped since";
  ASSERT_TRUE(w->decided(0));
  w->once([](const TargetReport& r) { return r.replicas.empty() && r.killed.empty(); });
}

TEST_F(KubernetesTest, APodThatEndsAtOnceWithoutAnErrorIsCounted) {
  apply({.command = "[\"true\"]"});
  auto w = watch();
  w->once([](const TargetReport& r) { return all_end_at_once(r.replicas); });
}

TEST_F(KubernetesTest, APersonsNumberIsNewsAndHisZeroIsAStop) {
  apply({});
  auto w = watch();
  w->with_ready(1);
  kubectl("scale deployment worker --replicas=3");
  w->with_ready(3);
  EXPECT_THAT(w->news(), HasSubstr("kubectl set 3 replicas (from 1) outside docktor"));
  kubectl("scale deployment worker --replicas=0");
  const auto r = w->once([](const TargetReport& t) { return !t.stopped_by_hand.empty(); });
  EXPECT_THAT(r.stopped_by_hand, HasSubstr("scaled to 0 outside docktor at "));
  w->target().resume();
  w->once([](const TargetReport& t) { return t.stopped_by_hand.empty() && t.desired == 0; });
  ASSERT_TRUE(w->order(2));
  w->with_ready(2);
  ASSERT_TRUE(w->order(0));
  w->once([](const TargetReport& t) { return t.desired == 0 && t.stopped_by_hand.empty(); });
}

TEST_F(KubernetesTest, AZeroThatAPersonSetWhileDocktorWasAwayIsAStop) {
  TempDir state;
  apply({});
  const auto kubeconfig = plane().kubeconfig_of("docktor", ns);
  Watched(kubeconfig, "deployment/worker", state.path().string()).with_ready(1);
  kubectl("scale deployment worker --replicas=0");
  Watched again(kubeconfig, "deployment/worker", state.path().string());
  again.once([](const TargetReport& t) {
    return t.stopped_by_hand == "scaled to 0 outside docktor while docktor was away";
  });
  again.target().resume();
  ASSERT_TRUE(again.order(1));
  ASSERT_TRUE(again.order(0));
  Watched third(kubeconfig, "deployment/worker", state.path().string());
  third.once([](const TargetReport& t) { return t.desired == 0 && t.stopped_by_hand.empty(); });
}

TEST_F(KubernetesTest, WhoUndoesOrdersAgainAndAgainIsNamedAndNotFought) {
  apply({});
  auto w = watch();
  w->with_ready(1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(w->order(3));
    kubectl("apply -f - --server-side --force-conflicts --field-manager=argocd-controller", manifest({}));
    w->once([](const TargetReport& t) { return t.desired == 1; });
  }
  const auto r = w->once([](const TargetReport& t) { return !t.hold.empty(); });
  EXPECT_THAT(r.hold, HasSubstr("undid docktor's orders 3 times within 10 minutes"));
  EXPECT_THAT(r.hold, HasSubstr("argocd-controller"));
}

TEST_F(KubernetesTest, AnotherAutoscalerOnTheWorkloadIsNamedAndDocktorHolds) {
  apply({});
  auto w = watch();
  EXPECT_EQ(w->with_ready(1).hold, "");
  kubectl("autoscale deployment worker --name mine --max=5");
  const auto r = w->once([](const TargetReport& t) { return !t.hold.empty(); });
  EXPECT_THAT(r.hold, HasSubstr("HorizontalPodAutoscaler mine scales it, too"));
  EXPECT_THAT(r.hold, HasSubstr("kubectl delete hpa mine -n " + ns));
  EXPECT_THAT(w->findings(),
              HasSubstr("error: HorizontalPodAutoscaler mine scales deployment worker, too: docktor holds"));
  kubectl("delete hpa mine");
  w->once([](const TargetReport& t) { return t.hold.empty(); });
}

TEST_F(KubernetesTest, WhereAnotherAutoscalerIsToSetTheNumberDocktorNeitherOrdersNorHolds) {
  apply({});
  Watched w(plane().kubeconfig_of("docktor", ns), "deployment/worker", {}, {}, true);
  w.with_ready(1);
  EXPECT_THAT(w.findings(), HasSubstr("nothing is seen that scales deployment worker"));
  kubectl("autoscale deployment worker --name mine --max=5");
  EXPECT_TRUE(eventually([&] {
    return w.findings().find(
               "ok: HorizontalPodAutoscaler mine scales deployment worker; docktor tells how many") !=
           std::string::npos;
  }));
  const auto done = w.order(3);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(*done, HasSubstr("1 → 3 is left to the autoscaler that scales it"));
  kubectl("scale deployment worker --replicas=0");
  const auto r = w.with_ready(0);
  EXPECT_EQ(r.hold, "");
  EXPECT_EQ(r.stopped_by_hand, "");
  EXPECT_THAT(w.news(), HasSubstr("set 0 replicas (from 1)\n"));
}

TEST_F(KubernetesTest, TheIdlestPodsGoFirst) {
  apply({.replicas = 4});
  auto w = watch();
  const auto r = w->with_ready(4);
  std::map<std::string, double> busy;
  std::set<std::string> stay;
  for (int i = 0; i < 4; ++i) {
    const auto& id = r.replicas[static_cast<std::size_t>(i)].id;
    busy[id] = i % 2 == 0 ? 0 : 80;
    if (i % 2 == 1) stay.insert(id);
  }
  const auto done = w->decided(2, busy);
  ASSERT_TRUE(done) << done.error().message;
  std::set<std::string> left;
  for (const auto& p : w->with_ready(2).replicas) left.insert(p.id);
  EXPECT_EQ(left, stay);
}

TEST_F(KubernetesTest, AStatefulSetAndAReplicaSetAreScaledTheSameWay) {
  apply({.name = "set", .kind = "StatefulSet"});
  apply({.name = "rs", .kind = "ReplicaSet"});
  auto set = watch("statefulset/set");
  auto rs = watch("rs/rs");
  set->with_ready(1);
  ASSERT_TRUE(set->order(3));
  set->with_ready(3);
  ASSERT_TRUE(set->order(1));
  const auto r = set->with_ready(1);
  EXPECT_EQ(r.replicas[0].id, "set-0");
  // It has no rights on ReplicaSets here: the server's sentence says so.
  EXPECT_THAT(rs->problem("forbidden"), HasSubstr("replicasets"));
}

TEST_F(KubernetesTest, WhatIsThereToDeployIsTakenAsItIs) {
  const std::string root = DOCKTOR_SOURCE;
  plane().kubectl("create namespace example");
  const auto said = plane().kubectl("apply -k " + root + "/examples/kubernetes");
  for (const char* part :
       {"role.rbac.authorization.k8s.io/docktor created",
        "rolebinding.rbac.authorization.k8s.io/docktor created", "serviceaccount/docktor created",
        "configmap/docktor-", "deployment.apps/docktor created", "deployment.apps/consumer created"})
    EXPECT_THAT(said, HasSubstr(part));
  EXPECT_TRUE(eventually([] {
    return plane()
        .kubectl(
            "-n example auth can-i patch deployments.apps --subresource=scale "
            "--as=system:serviceaccount:example:docktor || true")
        .starts_with("yes");
  }));
  const auto docktor = plane().get("-n example deployment/docktor")["spec"]["template"]["spec"];
  EXPECT_EQ(docktor["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
  const auto mounted = docktor["volumes"][0]["configMap"]["name"].get<std::string>();
  EXPECT_THAT(plane().get("-n example configmap/" + mounted)["data"]["docktor.yaml"].get<std::string>(),
              HasSubstr("kind: kubernetes"));
  plane().kubectl("delete namespace --wait=false example");
}

TEST_F(KubernetesTest, ARollOutIsScaledInItsMidst) {
  apply({.replicas = 3});
  auto w = watch();
  w->with_ready(3);
  apply({.replicas = 3, .annotations = "{test/ready: never}"});
  w->once([](const TargetReport& t) { return count(t.replicas).current > 3; });
  ASSERT_TRUE(eventually([&] { return w->order(5, w->report().version).has_value(); }));
  const auto r =
      w->once([](const TargetReport& t) { return t.desired == 5 && count(t.replicas).ready >= 3; });
  EXPECT_LE(count(r).ready, 4) << "those of the new version do not get ready";
}

}  // namespace
}  // namespace docktor::test
