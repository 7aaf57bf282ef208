// Nomad Autoscaler with its target-value strategy.
// Source: developer.hashicorp.com/nomad/tools/autoscaling (policy, target-value strategy, agent
// configuration).
#pragma once

#include "policy/peers/peers.h"

namespace docktor::peers {

struct NomadKnobs {
  int min_replicas = 0;
  int max_replicas = 1;
  bool rate = false;  ///< the query: arrivals per second and replica instead of the backlog's share
  Duration rate_window = std::chrono::minutes(1);  ///< that the query takes the mean of
  double drain = 0;     ///< seconds; more than 0: the query adds backlog / so many to the arrivals
  double target = 100;  ///< of what the query gives; 0: its value is the factor itself
  double threshold = 0.01;
  Duration evaluation_interval = std::chrono::seconds(10);
  Duration cooldown = std::chrono::minutes(5);
  int max_scale_up = 0;  ///< replicas per action; 0: any number
  int max_scale_down = 0;
};

/// f = value / target, the newest value only. At none: ceil(f) if f > 0. Else ceil(count × f) if f is off 1
/// by more than the threshold. Capped to the bounds. After an action nothing is done for the cooldown.
std::unique_ptr<Policy> nomad_policy(const NomadKnobs& knobs);
Peer nomad_peer();

}  // namespace docktor::peers
