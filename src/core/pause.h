// How long to wait before what failed again and again is tried again, where the time is an argument.
#pragma once

#include <algorithm>

#include "core/time.h"

namespace docktor {

/// `first` after the first failure, doubled with each further one in a row, at most `last`. Clients that must not come
/// back together use os/backoff.h, which draws a part of it.
inline Duration pause_after(int failures, Duration first, Duration last) {
  if (failures <= 0) return Duration::zero();
  Duration pause = std::min(first, last);
  for (int i = 1; i < failures && pause < last && pause > Duration::zero(); ++i)
    pause = std::min(2 * pause, last);
  return pause;
}

}  // namespace docktor
