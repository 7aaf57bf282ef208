// Random numbers that are looked up, not consumed: the n-th draw of a stream is a function of seed, stream
// and n.
#pragma once

#include <cmath>
#include <cstdint>

namespace docktor::sim {

/// What a stream of draws is for. Streams of one seed are independent, so that a policy which starts one
/// replica more sees the same arrivals and the same service times as its rivals.
enum class Draw : std::uint64_t { kArrival = 1, kService, kStartUp, kSpeed, kFault, kShape, kDelay };

/// Stateless, thread-safe. The mixing is that of splitmix64 (Steele, Lea and Flood, 2014).
class Stream {
 public:
  constexpr Stream(std::uint64_t seed, Draw draw)
      : key_(mix(mix(seed) + static_cast<std::uint64_t>(draw) * kGolden)) {}

  constexpr std::uint64_t bits(std::uint64_t n) const { return mix(key_ + n * kGolden); }

  /// In the open interval (0, 1).
  double uniform(std::uint64_t n) const { return (static_cast<double>(bits(n) >> 11) + 0.5) * 0x1.0p-53; }

  /// Mean 1.
  double exponential(std::uint64_t n) const { return -std::log(uniform(n)); }

  /// Mean 0, variance 1.
  double normal(std::uint64_t n) const { return inverse_normal(uniform(n)); }

  /// The standard normal distribution's quantile (Acklam's rational approximation, relative error
  /// below 1.2e-9).
  static double inverse_normal(double p);

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ull;
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x += kGolden;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  }
  std::uint64_t key_;
};

inline double Stream::inverse_normal(double p) {
  constexpr double kA[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                           1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double kB[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                           6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double kC[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                           -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double kD[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                           3.754408661907416e+00};
  constexpr double kLow = 0.02425;
  if (p < kLow || p > 1 - kLow) {
    const double q = std::sqrt(-2 * std::log(p < kLow ? p : 1 - p));
    const double x = (((((kC[0] * q + kC[1]) * q + kC[2]) * q + kC[3]) * q + kC[4]) * q + kC[5]) /
                     ((((kD[0] * q + kD[1]) * q + kD[2]) * q + kD[3]) * q + 1);
    return p < kLow ? x : -x;
  }
  const double q = p - 0.5;
  const double r = q * q;
  return (((((kA[0] * r + kA[1]) * r + kA[2]) * r + kA[3]) * r + kA[4]) * r + kA[5]) * q /
         (((((kB[0] * r + kB[1]) * r + kB[2]) * r + kB[3]) * r + kB[4]) * r + 1);
}

}  // namespace docktor::sim
