// A target on which several daemons may act in turns. Beside core/target.h, for the kinds that can: orders there carry the state
// that they rest on.
#pragma once

#include <string>

#include "core/lease.h"

namespace docktor {

/// What the one that acted before knew of the number.
struct LedBefore {
  std::string stopped_by_hand;  ///< see TargetReport
  /// There were replicas, and no order was to end them all: a 0 is somebody else's, who was not told that nobody acts.
  bool ran = false;
};

/// Thread-safe; no call waits. A target that is told neither acts alone.
class Led {
 public:
  virtual ~Led() = default;

  /// Another daemon acts: what happens to the service is that one's doing, or that of somebody whom it knows.
  virtual void follow() = 0;

  /// This one acts from now on, while `lease`, which outlives the target, is held: an order goes out only before its term's
  /// send_before, asked right then, and is not waited for past its end; kConflict where it does not go out.
  virtual void lead(const Lease& lease, const LedBefore& before) = 0;
};

}  // namespace docktor
