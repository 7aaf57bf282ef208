// The worlds that the policies are compared in, each with the loads that it is judged on and those that the peers
// are tuned on, which are others.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/result.h"
#include "sim/load.h"

namespace docktor::bench {

struct Setup {
  std::string name;                                              ///< for file names
  double capacity = 20;                                          ///< messages per second of a replica
  double max_wait = 5, start_up = 3, start_up_deviation = 0.75;  ///< seconds
  bool ready = false;  ///< begins with the replicas that the first row needs, instead of with min_replicas
  std::vector<sim::Load> judged, tuning;

  const sim::Load& load(std::size_t i) const {
    return i < judged.size() ? judged[i] : tuning[i - judged.size()];
  }
  std::size_t loads() const { return judged.size() + tuning.size(); }
  /// Replicas that are busy in the mean.
  double work(std::size_t load_number) const;
};

/// The traces of bench/traces as they are, workers of 20 messages/s: start-up 3 s within 5 s, 10 s within 15 s.
Result<std::vector<Setup>> trace_setups(const std::filesystem::path& root);

/// Capacity × start-up × max_wait, with the traces' rates scaled to the capacity, and cut to the part around their
/// peak where there are more messages than can be afforded.
Result<std::vector<Setup>> grid_setups(const std::filesystem::path& root);

}  // namespace docktor::bench
