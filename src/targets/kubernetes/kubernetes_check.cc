#include "targets/kubernetes/kubernetes_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/text.h"
#include "kube/fields.h"
#include "kube/rights.h"

namespace docktor {
namespace {

using Json = nlohmann::json;
using kube::field;
using kube::text;

constexpr auto kResolveTime = std::chrono::seconds(20);

Result<WorkloadName> resolved(KubeCluster& cluster, const WorkloadName& name) {
  auto answer = std::make_shared<std::promise<Result<WorkloadName>>>();
  auto future = answer->get_future();
  cluster.resolve(name, [answer](Result<WorkloadName> w) { answer->set_value(std::move(w)); });
  if (future.wait_for(kResolveTime) != std::future_status::ready)
    return fail(ErrorCode::kTimeout, fmt::format("{} does not answer", cluster.client().access().shown),
                true);
  return future.get();
}

std::vector<KubeRight> rights_for(const WorkloadName& w, const KubernetesSpec& spec) {
  const auto scale =
      spec.advise_only ? std::vector<std::string>{"get"} : std::vector<std::string>{"get", "patch"};
  std::vector<KubeRight> out = {
      {w.group, w.plural, "scale", scale, true, "the number cannot be read and set"},
      {"", "pods", "", {"list", "watch"}, true, "the pods cannot be seen"},
      {w.group,
       w.plural,
       "",
       {"list", "watch"},
       false,
       "/scale is polled every 2s, and who changed it, quota and stuck roll-outs are not told"},
      {"autoscaling",
       "horizontalpodautoscalers",
       "",
       {"list", "watch"},
       false,
       "an autoscaler beside docktor is not noticed"},
  };
  if (spec.choose_idle && !spec.advise_only && (w.kind == "Deployment" || w.kind == "ReplicaSet"))
    out.push_back({"", "pods", "", {"patch"}, false, "idle pods cannot be made to go first"});
  return out;
}

void check_autoscalers(KubeCluster& cluster, const WorkloadName& w, const std::string& ns, bool advise_only,
                       std::vector<Finding>& out) {
  using Read = std::optional<OtherAutoscaler> (*)(const Json&);
  const auto kinds = std::to_array<std::pair<std::string, Read>>(
      {{scaled_objects_path(ns), &read_scaled_object}, {hpas_path(ns), &read_hpa}});
  for (const auto& [path, read] : kinds) {
    const auto a = cluster.client().call({.path = path + "?limit=500"});
    const auto items = a.ok() ? a.body.find("items") : a.body.end();
    if (!a.ok() || items == a.body.end() || !items->is_array())
      continue;  // no KEDA there, or no right: said above
    for (const auto& item : *items) {
      const auto other = read(item);
      if (!other || !scales(*other, w)) continue;
      if (advise_only) {
        out.push_back(
            {Severity::kOk,
             fmt::format("{} scales {}; docktor tells how many there should be", other->shown, w.shown()),
             ""});
        return;
      }
      out.push_back({Severity::kError,
                     fmt::format("{} scales {}, too: docktor holds", other->shown, w.shown()),
                     fmt::format("end it ({}), see docs/kubernetes.md on taking over", other->how_to_end)});
      return;
    }
  }
  if (advise_only)
    out.push_back({Severity::kWarning,
                   fmt::format("scaled_by is another, and nothing is seen that scales {}", w.shown()),
                   "make an HPA or a ScaledObject for it, see docs/kubernetes.md"});
}

// "; did you mean web?" among those that are there.
std::string near(KubeCluster& cluster, const WorkloadName& w, const std::string& ns) {
  const auto a = cluster.client().call({.path = collection_path(w, ns) + "?limit=500"});
  const auto items = a.ok() ? a.body.find("items") : a.body.end();
  if (!a.ok() || items == a.body.end() || !items->is_array()) return {};
  std::vector<std::string> names;
  for (const auto& item : *items) {
    if (const auto meta = item.find("metadata"); meta != item.end()) names.push_back(text(*meta, "name"));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto meant = did_you_mean(w.name, views);
  return meant ? fmt::format("; did you mean {}?", *meant) : "";
}

void check_workload(KubeCluster& cluster, const WorkloadName& w, const std::string& ns,
                    std::vector<Finding>& out) {
  const auto a = cluster.client().call({.path = scale_path(w, ns)});
  if (a.status == 404) {
    out.push_back({Severity::kError,
                   fmt::format("{} is not there in namespace {}{}", w.shown(), ns, near(cluster, w, ns)),
                   "make it, or write workload: and namespace: as they are"});
    return;
  }
  const auto scale = a.ok() ? read_scale(a.body) : Result<ScaleView>(*a.error);
  if (!scale) {
    if (a.status != 403)  // the rights say it better
      out.push_back({Severity::kError, fmt::format("{} cannot be read: {}", w.shown(), scale.error().message),
                     "see docs/kubernetes.md"});
    return;
  }
  if (scale->selector.empty()) {
    out.push_back(
        {Severity::kError,
         fmt::format("the /scale of {} tells no selector, so that its pods cannot be found", w.shown()),
         "its custom resource definition needs labelSelectorPath"});
    return;
  }
  out.push_back({Severity::kOk,
                 fmt::format("{} in namespace {}: {} replica{}", w.shown(), ns, scale->desired,
                             scale->desired == 1 ? "" : "s"),
                 ""});
}

std::string namespace_of(const KubeCluster& cluster, const KubernetesSpec& spec) {
  return spec.namespace_.empty() ? cluster.default_namespace() : spec.namespace_;
}

}  // namespace

std::vector<Finding> check_kubernetes(KubeCluster& cluster, const KubernetesSpec& spec) {
  std::vector<Finding> out;
  const auto ns = namespace_of(cluster, spec);
  const auto version = cluster.client().call({.path = "/version"});
  if (!version.ok() && version.status != 403) {
    out.push_back({Severity::kError, version.error->message,
                   version.error->code == ErrorCode::kDenied
                       ? "sign in again, or name another context or kubeconfig"
                       : "is the cluster up, and does its address lead there from here?"});
    return out;
  }
  out.push_back({Severity::kOk,
                 fmt::format("{} answers{}", cluster.client().access().shown,
                             version.ok() ? ", Kubernetes " + text(version.body, "gitVersion") : ""),
                 ""});
  const auto w = resolved(cluster, spec.workload);
  if (!w) {
    out.push_back({Severity::kError, w.error().message, "see docs/kubernetes.md on workload:"});
    return out;
  }
  check_workload(cluster, *w, ns, out);
  if (check_rights(cluster.client(), rights_for(*w, spec), ns, out))
    out.push_back(
        {Severity::kOk, fmt::format("docktor has all rights that it needs in namespace {}", ns), ""});
  check_autoscalers(cluster, *w, ns, spec.advise_only, out);
  return out;
}

Result<int> count_kubernetes(KubeCluster& cluster, const KubernetesSpec& spec, const std::stop_token& stop) {
  const auto w = resolved(cluster, spec.workload);
  if (!w) return tl::unexpected<Error>(w.error());
  const auto a = cluster.client().call({.path = scale_path(*w, namespace_of(cluster, spec))}, stop);
  if (!a.ok()) return tl::unexpected<Error>(*a.error);
  const auto scale = read_scale(a.body);
  if (!scale) return tl::unexpected<Error>(scale.error());
  return scale->desired;
}

}  // namespace docktor
