// One run again, decision by decision, for whoever asks why a figure is what it is.
#pragma once

#include "bench/decisions/runs.h"

namespace docktor::bench {

/// Prints each decision that changes the number of replicas, with its reason and numbers, and one a minute of those that do not;
/// then what the run came to.
Result<void> replay(const Runs& runs, const std::string& regime, const std::string& load,
                    const std::string& policy, std::size_t setting);

}  // namespace docktor::bench
