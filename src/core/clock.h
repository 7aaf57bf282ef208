// The Clock seam. Only shells hold one; the core is told the time.
#pragma once

#include "core/time.h"

namespace docktor {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back within a run. Unix time where the clock is real.
  virtual Time now() const = 0;
  /// What clocks on the wall show, for what is written in their terms (a calendar). It may jump: a machine that had the wrong
  /// time when docktor began, or was frozen with its memory, is set right later.
  virtual Time wall() const { return now(); }
};

}  // namespace docktor
