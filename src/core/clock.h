// The Clock seam. Only shells hold one; the core is told the time.
#pragma once

#include <string>

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
  /// Over a restart of docktor only this tells how much time has passed, whatever was set meanwhile. An empty id where it is
  /// not known.
  struct Boot {
    std::string id;    ///< of this run of the machine
    Duration since{};  ///< its begin
  };
  virtual Boot boot() const { return {}; }
};

}  // namespace docktor
