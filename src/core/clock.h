// The Clock seam. Only shells hold one; the core is told the time.
#pragma once

#include "core/time.h"

namespace docktor {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back within a run. Unix time where the clock is real.
  virtual Time now() const = 0;
};

}  // namespace docktor
