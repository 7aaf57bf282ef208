#include "sim/waits.h"

#include <algorithm>
#include <cmath>

namespace docktor::sim {

void Waits::merge(const Waits& other) {
  count_ += other.count_;
  over_ += other.over_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  for (std::size_t i = 0; i < kBins; ++i) bins_[i] += other.bins_[i];
}

void Waits::clear() {
  const double limit = limit_;
  *this = Waits(limit);
}

double Waits::edge(std::size_t bin) {
  const auto bits = (static_cast<std::uint64_t>(bin) + (1023ull << 6)) << (52 - 6);
  return (std::bit_cast<double>(bits) - 1) / 1000;
}

double Waits::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (below + bins_[i] >= std::max<std::uint64_t>(rank, 1)) {
      // Within a bin the waits are taken as evenly spread.
      const double part =
          (static_cast<double>(rank) - static_cast<double>(below)) / static_cast<double>(bins_[i]);
      return std::min(max_, edge(i) + part * (edge(i + 1) - edge(i)));
    }
    below += bins_[i];
  }
  return max_;
}

}  // namespace docktor::sim
