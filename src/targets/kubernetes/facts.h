// What a workload and the autoscalers beside it say of themselves.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "targets/kubernetes/workload_name.h"

namespace docktor {

/// Whose name stands on docktor's own writes.
inline constexpr std::string_view kFieldManager = "docktor";

/// A workload's /scale.
struct ScaleView {
  std::string uid;
  std::string version;  ///< resourceVersion, of the workload itself
  int desired = 0;
  std::string selector;  ///< "app=web"
  friend bool operator==(const ScaleView&, const ScaleView&) = default;
};

/// `scale`: an autoscaling/v1 Scale. kInternal where it is none. Pure.
Result<ScaleView> read_scale(const nlohmann::json& scale);

/// Of the workload itself, where docktor may read it.
struct WorkloadFacts {
  std::string version;  ///< resourceVersion
  std::string
      writer;  ///< who set the number last, as far as managedFields tells, docktor left out; else empty
  std::string refused;  ///< why pods are missing: "exceeded quota: ..."
  std::string stuck;    ///< a roll-out that comes to no end; empty: none
  std::optional<Duration> grace;
};

/// Nothing where it is no object with a name. Pure.
std::optional<WorkloadFacts> read_workload(const nlohmann::json& object);

/// A HorizontalPodAutoscaler or a ScaledObject.
struct OtherAutoscaler {
  std::string shown;              ///< "HorizontalPodAutoscaler web", "ScaledObject web of KEDA"
  std::string group, kind, name;  ///< of what it scales; an empty group is not told
  bool of_keda = false;           ///< made by KEDA for a ScaledObject
  std::string how_to_end;         ///< the command that ends it
};

std::optional<OtherAutoscaler> read_hpa(const nlohmann::json& object);
std::optional<OtherAutoscaler> read_scaled_object(const nlohmann::json& object);

/// Whether it scales that workload.
bool scales(const OtherAutoscaler& a, const WorkloadName& w);

/// "HorizontalPodAutoscaler web scales it, too; ...", for a hold.
std::string fight_text(const OtherAutoscaler& a);

}  // namespace docktor
