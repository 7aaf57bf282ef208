// What came of a study, in words: who keeps the objective, and at what price.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/report.h"

namespace docktor::report {

/// Whether no more messages waited too long than the objective's quantile allows.
bool keeps(const Report& report, const Line& line);

/// The line the headline speaks of: our first that keeps the objective, else our first, else the cheapest
/// that keeps it, else the first. Only for a report that has lines.
std::size_t main_line(const Report& report);

/// One or two plain sentences, as plain text (names not escaped, but clean).
std::string headline(const Report& report);

/// Which lines the time panels show at first: ours, and of the others the cheapest that keep the objective,
/// up to `most` in all. One flag per line.
std::vector<bool> shown_first(const Report& report, std::size_t most);

}  // namespace docktor::report
