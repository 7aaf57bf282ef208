// docs/decisions.md: what the runs came to, in words and tables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/decisions/grid.h"
#include "bench/decisions/runs.h"

namespace docktor::bench {

/// What the document compares.
struct Comparison {
  int seeds = 10;                  ///< of the objective policy
  int peer_seeds = 3;              ///< of the peers, and of the objective where it is compared with them
  std::vector<std::string> peers;  ///< names
  Chosen tuned;                    ///< on the tuning loads
  std::vector<std::vector<std::vector<sim::FrontierPoint>>> frontiers;  ///< [setup][load]
};

/// What is measured, and how the peers' settings were chosen.
std::string introduction();

/// The two regimes in which all traces are run whole. All jobs that it names must have been run.
std::string traces_document(const Runs& runs, const Comparison& comparison);

/// What was adapted in the peers' laws, and why it comes out so.
std::string explanations();

}  // namespace docktor::bench
