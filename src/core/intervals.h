// Whether the intervals of a service suit its goal.
#pragma once

#include <string>

#include "core/spec.h"

namespace docktor {

/// Why the check interval cannot keep the objective; empty where it can, or where there is none.
std::string slow_checks(const ServiceSpec& spec);

/// What to do then.
std::string quicker_checks(const ServiceSpec& spec);

}  // namespace docktor
