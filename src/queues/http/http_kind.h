// The row of kind http in the table of kinds.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kHttpKind;

}  // namespace docktor
