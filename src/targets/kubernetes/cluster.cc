#include "targets/kubernetes/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "kube/fields.h"

namespace docktor {
namespace {

using Json = nlohmann::json;
using kube::raw_text;

constexpr auto kMetricsAge = std::chrono::seconds(5);  // the figures themselves move each 15 s

// Only to bound what the cluster's clock says.
Time system_now() {
  return Time(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

std::string api_path(const std::string& group, const std::string& version) {
  return group.empty() ? "/api/" + version : fmt::format("/apis/{}/{}", group, version);
}

// The resource in the list of a group's resources, as far as the name tells it.
Result<WorkloadName> found_in(const Json& list, WorkloadName w) {
  const auto all = list.find("resources");
  if (!list.is_object() || all == list.end() || !all->is_array())
    return fail(ErrorCode::kInternal, "the API server's list of resources cannot be read", true);
  for (const auto& r : *all) {
    const auto name = raw_text(r, "name");
    if (name.find('/') != std::string::npos ||
        (w.plural.empty() ? raw_text(r, "kind") != w.kind : name != w.plural))
      continue;
    w.plural = name;
    w.kind = raw_text(r, "kind");
    const bool scalable =
        std::ranges::any_of(*all, [&](const Json& s) { return raw_text(s, "name") == name + "/scale"; });
    if (!scalable || !workload_names::plain(w.plural))
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}.{} has no /scale, so that its replicas cannot be set from outside",
                              w.plural, w.group));
    return w;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("the cluster has no {} in {}/{}; is its operator installed?",
                          w.plural.empty() ? w.kind : w.plural, w.group, w.version),
              true);
}

}  // namespace

std::string collection_path(const WorkloadName& w, const std::string& ns) {
  return fmt::format("{}/namespaces/{}/{}", api_path(w.group, w.version), ns, w.plural);
}
std::string scale_path(const WorkloadName& w, const std::string& ns) {
  return fmt::format("{}/{}/scale", collection_path(w, ns), w.name);
}
std::string pods_path(const std::string& ns) { return fmt::format("/api/v1/namespaces/{}/pods", ns); }
// Version 1 is everywhere, and has all that is asked of it.
std::string hpas_path(const std::string& ns) {
  return fmt::format("/apis/autoscaling/v1/namespaces/{}/horizontalpodautoscalers", ns);
}
std::string scaled_objects_path(const std::string& ns) {
  return fmt::format("/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects", ns);
}

template <class C, class Read>
std::shared_ptr<C> KubeCluster::shared(std::map<std::string, std::weak_ptr<C>>& known,
                                       const std::string& path, Read read) {
  auto& slot = known[path];
  auto there = slot.lock();
  if (!there) slot = there = std::make_shared<C>(client_, path, read, care_);
  return there;
}

std::shared_ptr<KubeCluster::Pods> KubeCluster::pods(const std::string& ns) {
  return shared(pods_, pods_path(ns), [](const Json& pod) { return read_pod(pod, system_now()); });
}
std::shared_ptr<KubeCluster::Workloads> KubeCluster::workloads(const WorkloadName& w, const std::string& ns) {
  return shared(workloads_, collection_path(w, ns), &read_workload);
}
std::shared_ptr<KubeCluster::Autoscalers> KubeCluster::hpas(const std::string& ns) {
  return shared(autoscalers_, hpas_path(ns), &read_hpa);
}
std::shared_ptr<KubeCluster::Autoscalers> KubeCluster::scaled_objects(const std::string& ns) {
  return shared(autoscalers_, scaled_objects_path(ns), &read_scaled_object);
}

void KubeCluster::metrics(const std::string& ns, OnMetrics done) {
  auto& known = metrics_[ns];
  if (!known.waiting.empty()) return known.waiting.push_back(std::move(done));
  if (std::chrono::steady_clock::now() - known.at < kMetricsAge) return done(known.all);
  known.waiting.push_back(std::move(done));
  client_.submit({.path = fmt::format("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", ns),
                  .timeout = std::chrono::seconds(5)},
                 [this, ns](const KubeAnswer& a) {
                   auto& k = metrics_[ns];
                   k.at = std::chrono::steady_clock::now();
                   k.all = a.ok() ? Result<Metrics>(Metrics{}) : Result<Metrics>(*a.error);
                   if (a.status == 404)
                     k.all = fail(
                         ErrorCode::kNotFound,
                         "the cluster has no metrics.k8s.io (metrics-server), which tells CPU and memory");
                   const auto items = a.ok() ? a.body.find("items") : a.body.end();
                   if (a.ok() && items != a.body.end() && items->is_array()) {
                     for (const auto& item : *items) {
                       const auto meta = item.find("metadata");
                       const auto m = read_pod_metrics(item);
                       if (m && meta != item.end()) k.all->insert_or_assign(raw_text(*meta, "name"), *m);
                     }
                   }
                   for (const auto& w : std::exchange(k.waiting, {})) w(k.all);
                 });
}

void KubeCluster::resolve(WorkloadName w, std::function<void(Result<WorkloadName>)> done) {
  if (w.known()) {
    client_.loop().post([w = std::move(w), done = std::move(done)] { done(w); });
    return;
  }
  const auto refused = [](const WorkloadName& name, const Error& e) {
    if (e.code == ErrorCode::kNotFound)
      return Error{ErrorCode::kNotFound,
                   fmt::format("the cluster has no API {}{}{}; is its operator installed?", name.group,
                               name.version.empty() ? "" : "/", name.version),
                   true};
    return e;
  };
  if (w.version.empty()) {
    client_.submit({.path = "/apis/" + w.group}, [this, w, done = std::move(done),
                                                  refused](const KubeAnswer& a) mutable {
      if (!a.ok()) return done(tl::unexpected<Error>(refused(w, *a.error)));
      const auto preferred = a.body.find("preferredVersion");
      w.version = preferred == a.body.end() ? "" : raw_text(*preferred, "version");
      if (!workload_names::plain(w.version))
        return done(fail(ErrorCode::kInternal, "the API server names no version of " + w.group, true));
      resolve(std::move(w), std::move(done));
    });
    return;
  }
  client_.submit({.path = api_path(w.group, w.version)},
                 [w, done = std::move(done), refused](const KubeAnswer& a) {
                   if (!a.ok()) return done(tl::unexpected<Error>(refused(w, *a.error)));
                   done(found_in(a.body, w));
                 });
}

}  // namespace docktor
