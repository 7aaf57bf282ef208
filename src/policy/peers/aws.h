// AWS target tracking on the backlog per instance, as users set it up for SQS.
// Source: docs.aws.amazon.com, EC2 Auto Scaling: "Scaling policy based on Amazon SQS", target tracking; the
// counts of points are what users read off the alarms that target tracking creates.
#pragma once

#include "policy/peers/peers.h"

namespace docktor::peers {

struct AwsKnobs {
  int min_replicas = 1;
  double target =
      100;  ///< messages waiting per instance: acceptable wait × messages per second of one instance;
            ///< 0: not a metric
  double rate_target = 0;  ///< arrivals per second and instance; 0: not a metric
  Duration period = std::chrono::seconds(60);
  int points_out = 3;
  int points_in = 15;
  double in_below = 0.9;  ///< of the target
};

/// Each period a point m = backlog (or arrivals since the last point) / ready instances. n' = ceil(n × m /
/// target) after three points in a row above the target, or fifteen in a row below 0.9 of it; nothing while
/// an instance is not yet in service. With none: 1. Of two metrics the one that wants more counts, so that it goes
/// out where one wants to and in where both do.
std::unique_ptr<Policy> aws_policy(const AwsKnobs& knobs);
Peer aws_peer();

}  // namespace docktor::peers
