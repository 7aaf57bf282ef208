// How many replicas a decision asks for, told to whoever else sets them.
#pragma once

#include <optional>

#include "control/figures.h"

namespace docktor {

/// Also where docktor itself orders nothing. Nothing where the last decision rests on no data, or on data that is old by now: a wrong
/// number would be worse than none.
std::optional<int> desired_replicas(const ServiceFigures& f);

}  // namespace docktor
