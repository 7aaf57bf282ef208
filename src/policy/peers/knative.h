// Knative's pod autoscaler (KPA): stable and panic windows over concurrency or requests per second.
// Source: knative.dev/docs/serving/autoscaling (concepts, KPA-specific), pkg/autoscaler/scaling of
// knative/serving.
#pragma once

#include "policy/peers/peers.h"

namespace docktor::peers {

struct KnativeKnobs {
  int min_replicas = 0;
  int max_replicas = 0;  ///< 0: no maximum of its own
  bool rps = false;  ///< the metric: arrivals per second instead of concurrency (messages waiting or in hand)
  double total = 100;        ///< what one replica takes in all
  double utilization = 0.7;  ///< the target is total × this
  Duration stable_window = std::chrono::seconds(60);
  double panic_share = 0.1;  ///< the panic window as a share of the stable one
  double panic_threshold = 2;
  double max_up_rate = 1000;
  double max_down_rate = 2;
  Duration tick = std::chrono::seconds(2);
  Duration scale_down_delay{};
  Duration grace = std::chrono::seconds(30);  ///< from inactive to zero
};

/// With r = max(1, ready): stable and panic proposals are ceil(mean of the window / target), each within
/// floor(r / down rate) and ceil(r × up rate). Panic begins when the panic proposal is threshold × r or more,
/// lasts a stable window beyond the last such moment, and never lowers the count meanwhile. It begins in
/// panic with what runs, if more than 1.
std::unique_ptr<Policy> knative_policy(const KnativeKnobs& knobs);
Peer knative_peer();

}  // namespace docktor::peers
