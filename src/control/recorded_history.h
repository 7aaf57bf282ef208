// The history of a service from before the daemon began: read back from its journal.
#pragma once

#include <string>
#include <vector>

#include "control/history.h"
#include "core/time.h"

namespace docktor {

/// What the journal recorded of `service` from `from` to `to`, in at most `most` steps of equal length, oldest first;
/// `t` is in seconds after `began` (below 0 before it). A step without a record has no point. Waits are estimated from
/// the samples, as the daemon does. Empty where there is no journal. Reads the files: not for a thread that must not wait.
std::vector<HistoryPoint> recorded_history(const std::string& journal, const std::string& service, Time from,
                                           Time to, std::size_t most, Time began);

}  // namespace docktor
