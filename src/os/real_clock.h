// Unix time that never goes back: the wall clock when the program started, and boot time since.
#pragma once

#include <ctime>
#include <fstream>

#include "core/clock.h"

namespace docktor {

/// Thread-safe. A wall clock that is set while docktor runs changes nothing but wall(); time asleep (suspend) counts.
/// Whole microseconds, so that instants survive the journal exactly.
class RealClock final : public Clock {
 public:
  RealClock() : offset_(read(CLOCK_REALTIME) - read(CLOCK_BOOTTIME)) {}

  Time now() const override {
    return Time(std::chrono::duration_cast<std::chrono::microseconds>(offset_ + read(CLOCK_BOOTTIME)));
  }
  Time wall() const override {
    return Time(std::chrono::duration_cast<std::chrono::microseconds>(read(CLOCK_REALTIME)));
  }

  Boot boot() const override {
    Boot b{{}, std::chrono::duration_cast<std::chrono::microseconds>(read(CLOCK_BOOTTIME))};
    std::ifstream("/proc/sys/kernel/random/boot_id") >> b.id;
    return b;
  }

 private:
  static Duration read(clockid_t id) {
    timespec t{};
    clock_gettime(id, &t);
    return std::chrono::seconds(t.tv_sec) + Duration(t.tv_nsec);
  }
  const Duration offset_;
};

}  // namespace docktor
