// What two successive samples showed, and what that says of the workers between them.
#pragma once

#include "core/observation.h"

namespace docktor::objective {

/// What one sample showed, as far as the workers are concerned.
struct Gauges {
  Time at{};
  ReplicaCounts replicas;
  double pending = 0;
  double in_hand = 0;
  double oldest = 0;  ///< seconds that the oldest message waits; 0: none does
};

/// Two successive samples, and what passed between them.
struct Evidence {
  Gauges before, after;
  Flow flow;
  bool inferred = false;  ///< the flow is NetFlow's, and teaches nothing that it does not know
};

/// The time between two samples as the policy judges it.
struct Span {
  Time at{};               ///< its end
  double seconds = 0;      ///< > 0
  double settled = 0;      ///< messages
  bool saturated = false;  ///< messages waited all the time that any idle worker would have taken
  double working = 0;      ///< replicas that worked, mean; as far as is known
  double blur = 0;         ///< replica-seconds by which that may be wrong
  bool unclear = false;    ///< nothing tells who worked
  double young = 0;        ///< of `working`, those that began within the last minute
  double missing = 0;      ///< of `working`, what is missing because some are young
  double busy = 0;         ///< replicas that had something in hand, mean, where a hand holds one message
  double most_busy = 0;    ///< likewise, wherever: at most so many
};

}  // namespace docktor::objective
