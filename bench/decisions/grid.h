// The grid's part of docs/decisions.md: what each regime came to, against the targets.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/decisions/runs.h"

namespace docktor::bench {

/// Who is compared with the objective policy: (setup, peer) → settings that were chosen on the tuning loads.
using Chosen = std::map<std::pair<std::size_t, std::string>, std::vector<std::size_t>>;

/// The setups in the order in which they are run: each start-up and max_wait with all capacities, the usual ones first,
/// so that a run that was cut short has seen some of everything.
std::vector<std::size_t> grid_order(const Runs& runs);

/// The judged runs of the objective policy, at both check intervals.
std::vector<Job> grid_jobs(const Runs& runs);

/// Those of the chosen peers of a setup.
std::vector<Job> grid_jobs(const Runs& runs, const Chosen& chosen, std::size_t setup);

/// Markdown. All jobs of grid_jobs() must have been run, those of peers in the setups that `chosen` has.
std::string grid_document(const Runs& runs, const Chosen& chosen);

}  // namespace docktor::bench
