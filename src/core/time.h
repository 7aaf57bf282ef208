// Instants and lengths of time as values. Nothing here, nor anywhere in core, reads a clock: time is an
// argument.
#pragma once

#include <chrono>
#include <cmath>

namespace docktor {

using Duration = std::chrono::nanoseconds;

/// The one timeline of decisions. It has no now(): the controller's clock, the simulator's virtual clock and
/// a `decide` line each say what time it is. Its origin is the Unix epoch where a real clock drives it, so
/// that saved instants keep their meaning across restarts; within one run it never goes back.
struct Timeline {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<Timeline>;
  static constexpr bool is_steady = true;
};
using Time = Timeline::time_point;

inline constexpr double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }
inline double to_seconds(Time t) { return to_seconds(t.time_since_epoch()); }

/// Rounds to the nearest microsecond, so that an instant survives JSON (a double holds today's Unix time to
/// 0.2 us) and a recorded decision is reproduced exactly. `s` must be within ±9e9 (285 years); callers check
/// outside input.
inline Duration seconds(double s) { return std::chrono::microseconds(std::llround(s * 1e6)); }
inline Time time_at(double s) { return Time(seconds(s)); }

}  // namespace docktor
