// The two systems that docktor grew from, as their documentation and their code have them.
// Sources: Docktor's example of queue-aware autoscaling for NATS; natsbyexample.com: auto-scaler.
#pragma once

#include "policy/peers/peers.h"

namespace docktor::peers {

struct DocktorKnobs {
  double up_backlog = 500, up_rate = 200;
  double down_backlog = 100, down_rate = 150;
  int up_by = 2, down_by = 1;
  Duration check = std::chrono::seconds(10);
  Duration window = std::chrono::seconds(10);
};

/// More than up_backlog messages, or up_rate arrivals a second: up; at most down_backlog and fewer than
/// down_rate: down. Means of the window; totals, whatever the number of replicas. (The original's loop
/// measures twice before each check, so that one takes 22 to 24 s; here it is 10 s, as documented.)
std::unique_ptr<Policy> docktor_policy(const DocktorKnobs& knobs);
Peer docktor_peer();

struct NatsByExampleKnobs {
  double rate_per_handler = 500;
  Duration inactive = std::chrono::seconds(2);
};

/// Each second: nothing came for 2 s: one fewer; none: 1; else one more, but no more than ceil(mean rate /
/// 500), the mean being that from the start to the last arrival. As written it goes below zero when nothing
/// runs and nothing comes; so does this, and the bounds, which no policy gets around, make 0 of it.
std::unique_ptr<Policy> natsbyexample_policy(const NatsByExampleKnobs& knobs);
Peer natsbyexample_peer();

}  // namespace docktor::peers
