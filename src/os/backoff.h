// How long to wait before what failed is tried again.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "core/time.h"

namespace docktor {

/// From `first`, doubled with each failure, up to `last`. Not thread-safe.
class Backoff {
 public:
  Backoff(Duration first, Duration last) : first_(first), last_(last), wait_(first) {}

  /// What was up for a while is tried again soon; what is thrown out again and again is not.
  void was_up_since(std::chrono::steady_clock::time_point t) {
    if (std::chrono::steady_clock::now() - t > last_) wait_ = first_;
  }

  /// Between half and the whole: many daemons must not come back at the same instant.
  Duration next() {
    std::uniform_int_distribution<Duration::rep> part(wait_.count() / 2, wait_.count());
    const Duration out(part(jitter_));
    wait_ = std::min(2 * wait_, last_);
    return out;
  }

 private:
  const Duration first_, last_;
  Duration wait_;
  std::minstd_rand jitter_{std::random_device{}()};
};

}  // namespace docktor
