// KEDA with its NATS JetStream scaler.
// Source: keda.sh/docs: concepts/scaling-deployments, scalers/nats-jetstream.
#pragma once

#include "policy/peers/hpa_law.h"
#include "policy/peers/peers.h"

namespace docktor::peers {

struct KedaKnobs {
  HpaKnobs hpa;  ///< behavior absent, as KEDA makes it; its min_replicas is replaced by max(1, min_replicas)
  int min_replicas = 0;
  double lag_threshold = 10;
  double activation_threshold = 0;
  Duration polling_interval = std::chrono::seconds(30);
  Duration cooldown_period = std::chrono::seconds(300);
  Duration hpa_sync = std::chrono::seconds(15);
};

/// lag = num_pending + num_ack_pending of the consumer. Two loops act on one count:
/// - the operator's, each polling interval, between zero and one: active (lag > activation threshold) at zero
/// → max(1, min);
///   inactive for longer than the cooldown → min, where min is 0, from whatever there is;
/// - an HPA, each 15 s, from one on: lag per replica against the lag threshold.
std::unique_ptr<Policy> keda_policy(const KedaKnobs& knobs);
Peer keda_peer();

}  // namespace docktor::peers
