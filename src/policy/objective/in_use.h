// How many replicas had work at once, lately.
#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>

#include "core/time.h"

namespace docktor::objective {

/// The most replicas that had work at one sample, or on the mean between two, within a time that the caller
/// names. What was never used together for as long as a start costs is dearer to keep than to start again
/// (ski rental: Karlin et al. 1988; "delayed off": Gandhi et al. 2010). Not thread-safe; memory is bounded.
class InUse {
 public:
  /// Replicas that had work, as of a sample. Samples come in order of time.
  void add(Time at, double replicas);

  /// The most within so many seconds; infinity where samples do not go back so far.
  double most(Time now, double back) const;

  void clear() { peaks_.clear(); }
  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  struct Peak {
    Time at{};
    double replicas = 0;
  };
  Time began_{};            // of the samples without a gap
  std::deque<Peak> peaks_;  // newest last; each less than all before it
};

}  // namespace docktor::objective
