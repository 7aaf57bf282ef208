// What the objective policy learns of how fast a worker is in the first minute after its start.
#pragma once

#include <array>
#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "core/time.h"

namespace docktor::objective {

/// A worker that fills its caches or compiles as it runs does less at first. The share of its later speed is
/// learned for a few spans of its age, by a scalar Kalman filter each, from what was settled while every
/// replica was busy. Only what is surely below full speed counts: most workers need no warm-up. Not
/// thread-safe.
class WarmUp {
 public:
  static constexpr std::size_t kSpans = 4;
  static constexpr std::array<double, kSpans + 1> kEdges{0, 5, 15, 30,
                                                         60};  ///< seconds since it first worked

  /// Replicas' worth that is missing at an instant because some of them are young. `young`: when those began.
  double missing(const std::deque<Time>& young, Time at) const;

  /// Replica-seconds of full speed that one does in its first `age` seconds; 0 for age <= 0.
  double worked(double age) const;

  /// All `working` replicas were busy for the `seconds` up to `at` and did what `replicas` at full speed would.
  /// `variance`: of `replicas`, by chance and by what is not known, in replicas².
  void add(const std::deque<Time>& young, Time at, double seconds, double working, double replicas,
           double variance);

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  std::array<double, kSpans> counts(const std::deque<Time>& young, Time at) const;
  double share(std::size_t span) const;

  std::array<double, kSpans> share_{1, 1, 1, 1};
  std::array<double, kSpans> variance_{0.1, 0.1, 0.1, 0.1};
};

}  // namespace docktor::objective
