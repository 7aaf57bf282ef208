// How long messages waited: counts by length of wait, and quantiles of them.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace docktor::sim {

/// A histogram with relative bins of 1/64 octave (1.1 %) from 1 ms on, linear below. Memory is fixed.
class Waits {
 public:
  /// `limit`: waits above it are counted exactly.
  explicit Waits(double limit = 0) : limit_(limit) {}

  void add(double wait) {
    ++count_;
    sum_ += wait;
    if (wait > max_) max_ = wait;
    over_ += wait > limit_;
    ++bins_[bin_of(wait)];
  }
  void merge(const Waits& other);
  void clear();

  std::uint64_t count() const { return count_; }
  std::uint64_t over() const { return over_; }  ///< waits above the limit
  double over_share() const { return count_ ? static_cast<double>(over_) / static_cast<double>(count_) : 0; }
  double mean() const { return count_ ? sum_ / static_cast<double>(count_) : 0; }
  double max() const { return max_; }
  /// The least wait that at least `q` of the messages do not exceed; 0 without messages.
  double quantile(double q) const;

 private:
  static constexpr int kPerOctave = 64;
  static constexpr int kOctaves = 30;  // 1 ms to 12 days
  static constexpr std::size_t kBins = kPerOctave * (kOctaves + 1);

  // Bins are read off the floating-point number: exponent and the first six bits of the mantissa of wait + 1
  // ms.
  static std::size_t bin_of(double wait) {
    const auto bits = std::bit_cast<std::uint64_t>(wait * 1000 + 1);
    const auto bin = (bits >> (52 - 6)) - (1023ull << 6);
    return bin < kBins ? static_cast<std::size_t>(bin) : kBins - 1;
  }
  static double edge(std::size_t bin);

  double limit_;
  std::uint64_t count_ = 0;
  std::uint64_t over_ = 0;
  double sum_ = 0;
  double max_ = 0;
  std::array<std::uint32_t, kBins> bins_{};
};

}  // namespace docktor::sim
