#include "targets/kubernetes/facts.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "kube/fields.h"

namespace docktor {
namespace {

using Json = nlohmann::json;

using kube::field;
using kube::list;
using kube::raw_text;
using kube::text;

// The newest entry that has the number. One of /scale has no time: where it is there, it is the newest.
std::string writer_of(const Json& meta) {
  std::string writer, newest;
  for (const auto& entry : list(meta, "managedFields")) {
    const auto manager = text(entry, "manager");
    if (manager == kFieldManager || !field(field(entry, "fieldsV1"), "f:spec").contains("f:replicas"))
      continue;
    const auto time = text(entry, "subresource") == "scale" ? "9" : text(entry, "time");
    if (!writer.empty() && time < newest) continue;
    writer = manager;
    newest = time;
  }
  return writer;
}

std::string group_of(const std::string& api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

}  // namespace

Result<ScaleView> read_scale(const Json& scale) {
  const auto& meta = field(scale, "metadata");
  const auto& wanted = field(field(scale, "spec"), "replicas");  // 0 is left out
  ScaleView out;
  out.uid = raw_text(meta, "uid");
  out.version = raw_text(meta, "resourceVersion");
  out.selector = raw_text(field(scale, "status"), "selector");
  const auto n = wanted.is_number_integer() ? wanted.get<std::int64_t>() : 0;
  if (text(scale, "kind") != "Scale" || out.version.empty() ||
      (!wanted.is_null() && !wanted.is_number_integer()) || n < 0 || n > std::numeric_limits<int>::max())
    return fail(ErrorCode::kInternal, "its /scale is not one that docktor can read");
  out.desired = static_cast<int>(n);
  return out;
}

std::optional<WorkloadFacts> read_workload(const Json& object) {
  const auto& meta = field(object, "metadata");
  if (text(meta, "name").empty()) return std::nullopt;
  WorkloadFacts out;
  out.version = raw_text(meta, "resourceVersion");
  out.writer = writer_of(meta);
  for (const auto& c : list(field(object, "status"), "conditions")) {
    const auto type = text(c, "type"), status = text(c, "status");
    if (type == "ReplicaFailure" && status == "True") out.refused = text(c, "message");
    if (type == "Progressing" && status == "False") out.stuck = text(c, "reason") + ": " + text(c, "message");
  }
  const auto& grace =
      field(field(field(field(object, "spec"), "template"), "spec"), "terminationGracePeriodSeconds");
  if (grace.is_number_integer() && grace.get<std::int64_t>() >= 0 && grace.get<std::int64_t>() < 1'000'000)
    out.grace = std::chrono::seconds(grace.get<std::int64_t>());
  return out;
}

std::optional<OtherAutoscaler> read_hpa(const Json& object) {
  const auto& meta = field(object, "metadata");
  const auto& ref = field(field(object, "spec"), "scaleTargetRef");
  const auto name = text(meta, "name");
  if (name.empty()) return std::nullopt;
  OtherAutoscaler out;
  out.shown = "HorizontalPodAutoscaler " + name;
  out.group = group_of(text(ref, "apiVersion"));
  out.kind = text(ref, "kind");
  out.name = raw_text(ref, "name");
  for (const auto& owner : list(meta, "ownerReferences"))
    out.of_keda = out.of_keda || text(owner, "kind") == "ScaledObject";
  out.how_to_end = fmt::format("kubectl delete hpa {} -n {}", name, text(meta, "namespace"));
  return out;
}

std::optional<OtherAutoscaler> read_scaled_object(const Json& object) {
  const auto& meta = field(object, "metadata");
  const auto& ref = field(field(object, "spec"), "scaleTargetRef");
  const auto name = text(meta, "name");
  if (name.empty()) return std::nullopt;
  OtherAutoscaler out;
  out.shown = fmt::format("KEDA's ScaledObject {}", name);
  out.group = group_of(text(ref, "apiVersion"));
  out.kind = text(ref, "kind");
  if (out.kind.empty()) out.kind = "Deployment";
  out.name = raw_text(ref, "name");
  out.how_to_end = fmt::format("kubectl delete scaledobject {} -n {}", name, text(meta, "namespace"));
  return out;
}

bool scales(const OtherAutoscaler& a, const WorkloadName& w) {
  return a.name == w.name && a.kind == w.kind && (a.group.empty() || a.group == w.group);
}

std::string fight_text(const OtherAutoscaler& a) {
  return fmt::format(
      "{} scales it, too, and two would fight over the number; end the other ({}), or take the service out "
      "of "
      "docktor's configuration",
      a.shown, a.how_to_end);
}

}  // namespace docktor
