// The page's table: every number of every policy, what the symbols mean, and the notes.
#pragma once

#include <string>

#include "report/report.h"

namespace docktor::report {

/// A whole <section>.
std::string numbers(const Report& report);

}  // namespace docktor::report
