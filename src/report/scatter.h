// p99 against ρ: each policy a labelled point, the clairvoyant frontier, the objective.
#pragma once

#include <string>

#include "report/report.h"

namespace docktor::report {

/// A whole <svg> element of that size in pixels, its texts in pixels of the same. `id` makes the names within
/// unique in the page. Policies without messages are left out.
std::string scatter(const Report& report, double width, double height, const std::string& id);

}  // namespace docktor::report
