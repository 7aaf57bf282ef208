// The Kubernetes HPA on External metrics of a queue.
// Source: kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale-walkthrough ("autoscaling on
// metrics not related to Kubernetes objects": a queue's ready messages, averageValue 30).
#pragma once

#include "policy/peers/hpa_law.h"
#include "policy/peers/peers.h"

namespace docktor::peers {

struct HpaPolicyKnobs {
  HpaKnobs law{.behavior = HpaBehavior{}};
  double messages = 30;  ///< target: queue.backlog per replica; 0 = not a metric
  double rate = 0;       ///< target: arrivals per second per replica; 0 = not a metric
  Duration rate_window = std::chrono::seconds(60);  ///< that the metric's query takes the mean of
  Duration sync = std::chrono::seconds(15);
};

/// Each 15 s one sync of HpaLaw with `behavior: {}`. The least it keeps is 1: HPAScaleToZero is off by
/// default.
std::unique_ptr<Policy> hpa_policy(const HpaPolicyKnobs& knobs);
Peer hpa_peer();

}  // namespace docktor::peers
