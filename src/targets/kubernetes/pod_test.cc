#include "targets/kubernetes/pod.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/rfc3339.h"
#include "targets/kubernetes/facts.h"
#include "targets/kubernetes/workload_name.h"

namespace docktor {
namespace {

using Json = nlohmann::json;

const Time kNow = *parse_rfc3339("2026-01-01T12:00:00Z");

Json pod(const char* status, const char* meta = "{}") {
  Json j = {{"metadata", {{"name", "w-1"}, {"uid", "u"}, {"creationTimestamp", "2026-01-01T11:00:00Z"}}},
            {"spec", {{"nodeName", "n1"}, {"containers", {{{"name", "c"}}}}}},
            {"status", Json::parse(status)}};
  j["metadata"].update(Json::parse(meta));
  return j;
}

KubePod read(const char* status, const char* meta = "{}") {
  const auto p = read_pod(pod(status, meta), kNow);
  EXPECT_TRUE(p);
  return p.value_or(KubePod{});
}

TEST(PodTest, ItsStateIsWhatItsConditionsAndContainersSay) {
  EXPECT_EQ(read(R"({"phase": "Pending"})").state, ReplicaState::kStarting);
  EXPECT_EQ(read(R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})").state,
            ReplicaState::kReady);
  EXPECT_EQ(read(R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]})").state,
            ReplicaState::kStarting);
  const auto room = read(
      R"({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}]})");
  EXPECT_EQ(room.state, ReplicaState::kNotPlaced);
  EXPECT_EQ(room.note, "0/2 nodes");
  const auto image = read(
      R"({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no\nsuch"}}}]})");
  EXPECT_EQ(image.state, ReplicaState::kFailing);
  EXPECT_EQ(image.note, "ErrImagePull: no such");
  const auto killed = read(
      R"({"phase": "Running", "containerStatuses": [{"restartCount": 2, "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]})");
  EXPECT_EQ(killed.state, ReplicaState::kFailing);
  EXPECT_EQ(killed.note, "started 3 times, last OOMKilled");
  EXPECT_TRUE(read(R"({"phase": "Failed", "reason": "Evicted"})").ended);
}

TEST(PodTest, WhoeverIsKilledAtTheEndOfItsGraceIsToldApartFromWhoeverEndsInTime) {
  const auto ended = [](const std::string& end, const std::string& grace = "30") {
    return read(
        ("{\"phase\": \"Failed\", \"containerStatuses\": [{\"state\": {\"terminated\": " + end + "}}]}")
            .c_str(),
        (R"({"deletionTimestamp": "2026-01-01T11:30:30Z", "deletionGracePeriodSeconds": )" + grace + "}")
            .c_str());
  };
  EXPECT_EQ(ended(R"({"exitCode": 137, "reason": "Error", "finishedAt": "2026-01-01T11:30:30Z"})").killed,
            std::chrono::seconds(30));
  EXPECT_FALSE(ended(R"({"exitCode": 137, "reason": "Error", "finishedAt": "2026-01-01T11:30:10Z"})").killed)
      << "by somebody else";
  EXPECT_FALSE(
      ended(R"({"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T11:30:30Z"})").killed);
  EXPECT_FALSE(
      ended(R"({"exitCode": 0, "reason": "Completed", "finishedAt": "2026-01-01T11:30:30Z"})").killed);
  EXPECT_FALSE(ended(R"({"exitCode": 137, "finishedAt": 7})").killed);
  EXPECT_FALSE(ended(R"({"exitCode": 137, "finishedAt": "2026-01-01T11:30:30Z"})", "0").killed)
      << "nobody waited for it";
}

TEST(PodTest, WhoeverEndsAtOnceWithoutAnErrorIsCounted) {
  const auto ended = [](const std::string& end) {
    return read(("{\"phase\": \"Running\", \"containerStatuses\": [{\"restartCount\": 4, \"state\": "
                 "{\"waiting\": {\"reason\": "
                 "\"CrashLoopBackOff\"}}, \"lastState\": {\"terminated\": " +
                 end + "}}]}")
                    .c_str());
  };
  EXPECT_EQ(
      ended(R"({"exitCode": 0, "startedAt": "2026-01-01T11:30:00Z", "finishedAt": "2026-01-01T11:30:01Z"})")
          .at_once,
      4);
  EXPECT_EQ(
      ended(R"({"exitCode": 1, "startedAt": "2026-01-01T11:30:00Z", "finishedAt": "2026-01-01T11:30:01Z"})")
          .at_once,
      0);
  EXPECT_EQ(
      ended(R"({"exitCode": 0, "startedAt": "2026-01-01T11:20:00Z", "finishedAt": "2026-01-01T11:30:01Z"})")
          .at_once,
      0);
  EXPECT_EQ(ended(R"({"exitCode": 0})").at_once, 0);
}

TEST(PodTest, WhoseItIsItsLabelsAndOwnerSay) {
  const auto p = read(
      "{}",
      R"({"labels": {"app": "w", "odd": 3}, "annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"},
      "ownerReferences": [{"kind": "Node", "name": "n"}, {"kind": "ReplicaSet", "name": "w-5d", "controller": true}]})");
  EXPECT_EQ(p.labels, (Labels{{"app", "w"}}));
  EXPECT_EQ(p.owner_kind + " " + p.owner_name, "ReplicaSet w-5d");
  EXPECT_EQ(p.deletion_cost, "-5");
  EXPECT_EQ(p.node, "n1");
}

TEST(PodTest, OneThatIsDeletedStopsSinceItsGraceBegan) {
  const auto p = read(R"({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})",
                      R"({"deletionTimestamp": "2026-01-01T11:59:30Z", "deletionGracePeriodSeconds": 30})");
  EXPECT_EQ(p.state, ReplicaState::kStopping);
  EXPECT_EQ(p.since, *parse_rfc3339("2026-01-01T11:59:00Z"));
}

TEST(PodTest, RubbishIsNoPodAndAClockAheadIsNotBelieved) {
  for (const char* text :
       {"{}", "[]", "null", R"({"metadata": {"name": 3, "uid": "u"}})", R"({"metadata": {"name": "a"}})"})
    EXPECT_FALSE(read_pod(Json::parse(text), kNow)) << text;
  EXPECT_EQ(read("{}", R"({"creationTimestamp": "2027-01-01T00:00:00Z"})").since, kNow);
  const auto odd = read(R"({"phase": 7, "conditions": "x", "containerStatuses": {"a": 1}})",
                        R"({"labels": ["x"], "ownerReferences": {"a": {}}, "annotations": 3})");
  EXPECT_EQ(odd.state, ReplicaState::kStarting);
}

TEST(QuantityTest, UnitsAreThoseOfKubernetes) {
  EXPECT_DOUBLE_EQ(*parse_quantity("250m"), 0.25);
  EXPECT_DOUBLE_EQ(*parse_quantity("1500000000n"), 1.5);
  EXPECT_DOUBLE_EQ(*parse_quantity("2"), 2);
  EXPECT_DOUBLE_EQ(*parse_quantity("1Gi"), 1073741824.0);
  EXPECT_DOUBLE_EQ(*parse_quantity("1e3"), 1000);
  EXPECT_DOUBLE_EQ(*parse_quantity("1E"), 1e18);
  for (const char* text : {"", "m", "1x", "nan", "0x10", "1 Gi"}) EXPECT_FALSE(parse_quantity(text)) << text;
}

TEST(PodMetricsTest, APartOfAPodIsNoFigure) {
  const auto all = read_pod_metrics(Json::parse(
      R"({"containers": [{"usage": {"cpu": "250m", "memory": "1Mi"}}, {"usage": {"cpu": "50m", "memory": "1Mi"}}]})"));
  ASSERT_TRUE(all);
  EXPECT_DOUBLE_EQ(all->cpu, 30);
  EXPECT_DOUBLE_EQ(all->mem, 2097152);
  EXPECT_FALSE(
      read_pod_metrics(Json::parse(R"({"containers": [{"usage": {"cpu": "250m", "memory": "1Mi"}}, {}]})")));
  EXPECT_FALSE(read_pod_metrics(Json::parse(R"({"containers": []})")));
}

TEST(WorkloadNameTest, ItIsWrittenAsKubectlTakesIt) {
  EXPECT_EQ(parse_workload("web")->shown(), "deployment web");
  EXPECT_EQ(parse_workload("deploy/web"), parse_workload("deployments.apps/web"));
  EXPECT_EQ(parse_workload("StatefulSet/db")->plural, "statefulsets");
  EXPECT_EQ(parse_workload("apps/v1/Deployment/web"), parse_workload("web"));
  const auto custom = parse_workload("rollouts.argoproj.io/web");
  ASSERT_TRUE(custom);
  EXPECT_EQ(custom->group, "argoproj.io");
  EXPECT_FALSE(custom->known());
  EXPECT_EQ(parse_workload("argoproj.io/v1alpha1/Rollout/web")->kind, "Rollout");
  for (const char* text :
       {"", "/", "web/", "pods/web", "a/b/c", "a b", "deployment/..", "deployment/a?b", ".x/web", "x./web"})
    EXPECT_FALSE(parse_workload(text)) << text;
}

TEST(FactsTest, TheLastWriterIsNamedWhereManagedFieldsTell) {
  const auto writer = [](const char* fields) {
    return read_workload({{"metadata", {{"name", "w"}, {"managedFields", Json::parse(fields)}}}})->writer;
  };
  EXPECT_EQ(writer("[]"), "");
  EXPECT_EQ(
      writer(
          R"([{"manager": "helm", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                       {"manager": "kubectl", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}])"),
      "kubectl");
  EXPECT_EQ(
      writer(R"([{"manager": "docktor", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                       {"manager": "helm", "fieldsV1": {"f:spec": {"f:template": {}}}}])"),
      "");
}

TEST(FactsTest, AScaleThatIsNoneIsRefusedAndZeroMayBeLeftOut) {
  const auto scale = [](const char* spec) {
    return read_scale({{"kind", "Scale"},
                       {"metadata", {{"uid", "u"}, {"resourceVersion", "7"}}},
                       {"spec", Json::parse(spec)},
                       {"status", {{"selector", "app=w"}}}});
  };
  EXPECT_EQ(scale("{}")->desired, 0);
  EXPECT_EQ(scale(R"({"replicas": 5})")->desired, 5);
  EXPECT_FALSE(scale(R"({"replicas": -1})"));
  EXPECT_FALSE(scale(R"({"replicas": "5"})"));
  EXPECT_FALSE(read_scale(Json::parse(R"({"kind": "Status"})")));
}

}  // namespace
}  // namespace docktor
