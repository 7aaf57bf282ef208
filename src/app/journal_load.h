// The load that a daemon's journal recorded, for `docktor simulate --from-journal`.
#pragma once

#include <optional>
#include <string>

#include "core/result.h"
#include "sim/load.h"

namespace docktor {

struct JournalLoad {
  sim::Load load;
  double begins = 0;  ///< Unix seconds of the load's second 0
  std::optional<double>
      capacity;  ///< messages per second of a replica, as last learned, else the most that one was seen to do
  std::optional<double> start_up;  ///< seconds, as last learned
  double unknown = 0;  ///< seconds between samples that tell nothing (the daemon was down, a reset)
};

/// Arrivals between the recorded samples of `service` (which may be empty where the journal has only one).
/// kNotFound, with the services there are, when there are no samples of it; kUnavailable when the file cannot
/// be read.
Result<JournalLoad> load_from_journal(const std::string& path, const std::string& service);

}  // namespace docktor
