// docs/decisions.md: what the runs came to, in words and tables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/decisions/runs.h"

namespace docktor::bench {

/// What the document compares.
struct Comparison {
  int seeds = 10;                  ///< of the objective policy
  int peer_seeds = 3;              ///< of the peers, and of the objective where it is held against them
  std::vector<std::string> peers;  ///< names
  std::map<std::pair<std::size_t, std::string>, std::size_t> tuned;     ///< (setup, peer) → best setting
  std::vector<std::vector<std::vector<sim::FrontierPoint>>> frontiers;  ///< [setup][load]
};

/// The setting of a peer, of all it has, that keeps the objective on most loads (seed 1), and of those the
/// one with the least geometric mean of ρ over the loads that it keeps.
std::size_t best_setting(const Runs& runs, std::size_t setup, const std::string& peer);

/// Markdown. All jobs that it names must have been run.
std::string document(const Runs& runs, const Comparison& comparison);

}  // namespace docktor::bench
