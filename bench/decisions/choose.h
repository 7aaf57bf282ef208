// How a peer's setting is chosen: on the tuning loads alone.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/decisions/runs.h"

namespace docktor::bench {

constexpr double kKept = 0.01;  ///< of the messages may be late, where an objective asks for 99 of 100

double geometric_mean(const std::vector<double>& values);

const peers::Peer& peer_named(const std::string& name);

/// Of all settings of these peers, and of the objective policy by default, on the tuning loads of a setup.
std::vector<Job> tuning_jobs(const Runs& runs, std::size_t setup, const std::vector<std::string>& peers);

/// The settings of a peer that are judged in a setup, without repeats, by what its user may be after:
/// - first the one that keeps the objective on most tuning loads, and of those the cheapest over all of these loads;
///   where none keeps any, the one with the fewest late messages;
/// - then the cheapest that is no later in the mean than the objective policy, if there is one: where nobody can keep
///   the objective, what keeps most of it is dear.
std::vector<std::size_t> chosen(const Runs& runs, std::size_t setup, const std::string& peer);

}  // namespace docktor::bench
