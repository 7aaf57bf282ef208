// The row of kind compose.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const TargetKind kComposeKind;

}  // namespace docktor
