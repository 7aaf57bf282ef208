// What `workload:` says: which object of the cluster has the number of replicas.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor {

/// An object with a /scale of its own. Of a custom resource the parts that its name leaves open are asked of the cluster.
struct WorkloadName {
  std::string group;    ///< "apps"; empty: the core group
  std::string version;  ///< "v1"; empty: the preferred one, to be asked
  std::string plural;   ///< "deployments"; empty: to be asked, by `kind`
  std::string kind;     ///< "Deployment"; empty: to be asked, by `plural`
  std::string name;

  bool known() const { return !version.empty() && !plural.empty() && !kind.empty(); }
  /// "deployment web", "rollouts.argoproj.io web".
  std::string shown() const {
    if (group == "apps" && !kind.empty()) {
      auto word = kind;
      for (auto& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      return word + " " + name;
    }
    return (plural.empty() ? kind : plural) + (group.empty() ? "" : "." + group) + " " + name;
  }
  friend bool operator==(const WorkloadName&, const WorkloadName&) = default;
};

namespace workload_names {

struct Known {
  std::string_view word, plural, kind;
};
inline constexpr std::array kKnown = std::to_array<Known>({
    {"deployment", "deployments", "Deployment"},
    {"deployments", "deployments", "Deployment"},
    {"deployments.apps", "deployments", "Deployment"},
    {"deploy", "deployments", "Deployment"},
    {"statefulset", "statefulsets", "StatefulSet"},
    {"statefulsets", "statefulsets", "StatefulSet"},
    {"statefulsets.apps", "statefulsets", "StatefulSet"},
    {"sts", "statefulsets", "StatefulSet"},
    {"replicaset", "replicasets", "ReplicaSet"},
    {"replicasets", "replicasets", "ReplicaSet"},
    {"replicasets.apps", "replicasets", "ReplicaSet"},
    {"rs", "replicasets", "ReplicaSet"},
});

/// Of DNS names, groups and kinds: what may stand in a path as it is.
inline bool plain(std::string_view text, std::size_t most = 253) {
  if (text.empty() || text.size() > most) return false;
  for (const char c : text) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!ok) return false;
  }
  return text != "." && text != "..";
}

}  // namespace workload_names

/// "web" and "deployment/web", "statefulset/web", "replicaset/web", "rollouts.argoproj.io/web" (PLURAL.GROUP/NAME),
/// "argoproj.io/v1alpha1/Rollout/web" (GROUP/VERSION/KIND/NAME). Nothing where it is none of these. Pure.
inline std::optional<WorkloadName> parse_workload(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const auto to = std::min(text.find('/', from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  for (const auto p : parts)
    if (!workload_names::plain(p)) return std::nullopt;
  WorkloadName w;
  w.name = parts.back();
  if (parts.size() == 1) parts.insert(parts.begin(), "deployment");
  if (parts.size() == 2) {
    for (const auto& k : workload_names::kKnown) {
      if (k.word != parts[0] && k.kind != parts[0]) continue;
      w.group = "apps";
      w.version = "v1";
      w.plural = k.plural;
      w.kind = k.kind;
      return w;
    }
    const auto dot = parts[0].find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == parts[0].size()) return std::nullopt;
    w.plural = parts[0].substr(0, dot);
    w.group = parts[0].substr(dot + 1);
    return w;
  }
  if (parts.size() != 4) return std::nullopt;
  w.group = parts[0];
  w.version = parts[1];
  w.kind = parts[2];
  for (const auto& k : workload_names::kKnown)
    if (w.group == "apps" && k.kind == w.kind) w.plural = k.plural;
  return w;
}

}  // namespace docktor
