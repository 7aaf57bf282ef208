// The load that a daemon's journal recorded, for `docktor simulate --from-journal`.
#pragma once

#include <optional>
#include <string>

#include "control/wait_meter.h"
#include "core/result.h"
#include "sim/load.h"

namespace docktor {

/// Which part of a journal, and how.
struct JournalPart {
  double since = 0;                  ///< Unix seconds; samples before it do not count
  bool skip_gaps = false;            ///< time that nobody watched is cut out of the load, not taken as silent
  bool uncounted = false;            ///< a queue that counts nothing is no error: what ran is still told
  std::optional<Duration> max_wait;  ///< what JournalLoad::waits calls late
};

struct JournalLoad {
  sim::Load load;
  double begins = 0;  ///< Unix seconds of the load's second 0
  std::optional<double>
      capacity;  ///< messages per second of a replica, as last learned, else the most that one was seen to do
  std::optional<double> start_up;  ///< seconds, as last learned
  double unknown = 0;    ///< seconds between samples that tell nothing (the daemon was down, a reset)
  bool counted = false;  ///< what came is known; else there is no load, only what ran
  // What really ran, over the time that was watched.
  double watched = 0;  ///< seconds
  double replica_seconds = 0;
  int peak_replicas = 0;
  WaitTotals waits;  ///< estimated from the samples
};

/// Arrivals between the recorded samples of `service` (which may be empty where the journal has only one).
/// kNotFound, with the services there are, when there are no samples of it; kUnavailable when the file cannot
/// be read.
Result<JournalLoad> load_from_journal(const std::string& path, const std::string& service,
                                      const JournalPart& part = {});

}  // namespace docktor
