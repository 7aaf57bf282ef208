// The row of kind process.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const TargetKind kProcessKind;

}  // namespace docktor
