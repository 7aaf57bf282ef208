#include "targets/kubernetes/kubernetes_keys.h"

#include <fmt/format.h>

#include <array>

#include "targets/kubernetes/workload_name.h"

namespace docktor {

namespace {

constexpr double kMaxText = 4096;

// clang-format off: a table, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    {.key = "workload", .type = KnobType::kText,
     .meaning = "What has the number of replicas: deployment/NAME, statefulset/NAME, replicaset/NAME, or anything else with a /scale, as "
                "PLURAL.GROUP/NAME (rollouts.argoproj.io/web) or GROUP/VERSION/KIND/NAME. Without: the Deployment with the service's name.",
     .least = 0, .most = 600},
    {.key = "namespace", .type = KnobType::kText,
     .meaning = "Its namespace. Without: that of the kubeconfig's context, or of docktor's own pod.", .least = 0, .most = 63},
    {.key = "kubeconfig", .type = KnobType::kText,
     .meaning = "File that says where the cluster is and who asks; an absolute path, or one under ~/. Without: KUBECONFIG, then the "
                "service account of docktor's own pod, then ~/.kube/config.",
     .least = 0, .most = kMaxText},
    {.key = "context", .type = KnobType::kText,
     .meaning = "Context of the kubeconfig. Without: its current one.", .least = 0, .most = 1024},
    {.key = "choose_idle", .type = KnobType::kBool,
     .meaning = "Before a scale-down the least busy pods are marked to go first (pod-deletion-cost), where metrics.k8s.io tells "
                "their CPU. Not of a StatefulSet, whose last pods go first.",
     .standard = "true"},
    {.key = "scaled_by", .type = KnobType::kText,
     .meaning = "Who sets the number. another: an HPA or KEDA, which reads from docktor how many there should be; docktor orders nothing.",
     .standard = "docktor", .choices = "docktor|another"},
});
// clang-format on

void check_keys(KindReader& from) {
  const auto workload = from.settings.text("workload");
  if (!workload.empty() && !parse_workload(workload))
    from.mistake("workload",
                 fmt::format("workload {} names no object; write deployment/NAME, statefulset/NAME, "
                             "PLURAL.GROUP/NAME or GROUP/VERSION/KIND/NAME",
                             from.quoted("workload")));
  const auto ns = from.settings.text("namespace");
  if (!ns.empty() && !workload_names::plain(ns, 63))
    from.mistake("namespace", fmt::format("namespace {} is no namespace's name", from.quoted("namespace")));
  const auto file = from.settings.text("kubeconfig");
  if (!file.empty() && file.front() != '/' && !file.starts_with("~/"))
    from.mistake("kubeconfig",
                 fmt::format("kubeconfig {} is neither an absolute path nor one under ~/; write all of it",
                             from.quoted("kubeconfig")));
}

}  // namespace

const KindKeys kKubernetesKeys = {
    .name = "kubernetes",
    .meaning = "pods of a Kubernetes workload: anything with a /scale",
    .note =
        "docs/kubernetes.md has the rights that it needs, and how to take a workload over from another "
        "autoscaler.",
    .keys = kTable,
    .check = check_keys,
    .chooses_victims = false,
    .fenced = true,
};

}  // namespace docktor
