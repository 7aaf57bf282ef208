// What came of a trial, from the workers' records and the journal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/workers/trial.h"

namespace docktor::test {

/// What the publisher did: messages, seconds of work in them, and from when to when (seconds since 1970).
struct Played {
  long sent = 0;
  double work = 0;
  double begin = 0, end = 0;
};

/// `decisions` as Sandbox::decisions() gives them.
Outcome account(const Played& played, const std::string& record_file,
                const std::vector<nlohmann::json>& decisions, double max_wait, int most);

struct Begun {
  double intended = 0, begun = 0;  ///< seconds
};
/// Longest time during which a message was late, replicas were fewer than `most`, and their number stayed;
/// `counts` are (second, replicas), each valid until the next.
double longest_stand_still(const std::vector<Begun>& messages,
                           const std::vector<std::pair<double, int>>& counts, double max_wait, int most);

/// Longest run of evaluations that held one number of replicas below `most` although the oldest message had
/// waited longer than `max_wait` seconds; those while a replica was starting neither count nor end it.
int longest_idle_looks(const std::vector<nlohmann::json>& decisions, double max_wait, int most);

}  // namespace docktor::test
