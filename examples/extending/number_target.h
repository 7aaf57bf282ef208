// The row of kind number: what would stand in app/kinds.cc.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const TargetKind kNumberKind;

}  // namespace docktor
