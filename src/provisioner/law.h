// The seam between the loop and how many instances there should be.
#pragma once

#include <string>

#include "core/decision.h"
#include "core/sample.h"
#include "core/time.h"

namespace docktor {

struct Ruling {
  int target = 0;
  std::string reason;
};

/// Used from one thread; time is an argument.
class Law {
 public:
  virtual ~Law() = default;

  /// What the queue showed, each sample in order of time.
  virtual void observe(Time now, const ReplicaCounts& instances, const QueueSample& queue) = 0;

  /// So many messages came since the call before, the last of them at `last` (only where a watcher counts
  /// them).
  virtual void received(Time last, std::uint64_t messages) { (void)last, (void)messages; }

  /// How many instances there should be. `fresh`: the queue answered within the last interval.
  virtual Ruling decide(Time now, const ReplicaCounts& instances, const Overrides& overrides, bool fresh) = 0;
};

}  // namespace docktor
