// The settings of a target of kind kubernetes, as its code reads them.
#pragma once

#include <string>

#include "core/settings.h"
#include "targets/kubernetes/workload_name.h"

namespace docktor {

struct KubernetesSpec {
  WorkloadName workload;
  std::string namespace_;  ///< empty: that of the access
  std::string kubeconfig;
  std::string context;
  bool choose_idle = true;
  bool advise_only = false;  ///< another autoscaler sets the number, and reads from docktor which

  /// `service`: its name is the workload's where the settings name none.
  static KubernetesSpec from(const Settings& s, const std::string& service) {
    const auto text = s.text("workload");
    return {
        .workload = parse_workload(text.empty() ? "deployment/" + service : text).value_or(WorkloadName{}),
        .namespace_ = s.text("namespace"),
        .kubeconfig = s.text("kubeconfig"),
        .context = s.text("context"),
        .choose_idle = s.get<bool>("choose_idle", true),
        .advise_only = s.text("scaled_by") == "another"};
  }
};

}  // namespace docktor
