// One pod, as far as docktor needs it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/replica.h"
#include "core/time.h"
#include "targets/kubernetes/selector.h"

namespace docktor {

struct KubePod {
  std::string name;
  std::string uid;
  std::string node;
  Labels labels;
  std::string owner_kind, owner_name;  ///< of its controller; empty: it has none
  std::string deletion_cost;           ///< the annotation's value; empty: none
  Time created{};
  Time since{};  ///< when it entered `state`
  ReplicaState state = ReplicaState::kStarting;
  std::string note;
  bool ended = false;  ///< succeeded, failed or evicted: nobody works there any more
  int restarts = 0;
  int at_once = 0;                 ///< see Replica
  std::optional<Duration> killed;  ///< the grace that it was given to end, and did not end within
  double cpu_limit = 0;            ///< cores; 0: a container has none
  double mem_limit = 0;            ///< bytes; likewise
};

/// Whoever runs for less has ended at once.
inline constexpr Duration kAtOnce = std::chrono::seconds(10);

inline constexpr std::string_view kDeletionCost = "controller.kubernetes.io/pod-deletion-cost";

/// `pod`: as the API server shows it. Nothing where it is no pod. Pure; `now` bounds what the cluster's clock says.
std::optional<KubePod> read_pod(const nlohmann::json& pod, Time now);

/// What metrics.k8s.io tells of one pod; cpu in percent of one core, mem in bytes.
struct PodMetrics {
  double cpu = 0, mem = 0;
};

/// Nothing where a container's figures are missing: a part is no whole. Pure.
std::optional<PodMetrics> read_pod_metrics(const nlohmann::json& item);

/// "250m", "1234567n", "2", "1Gi", "1e3" as a number; nothing for any other text. Pure.
std::optional<double> parse_quantity(std::string_view text);

}  // namespace docktor
