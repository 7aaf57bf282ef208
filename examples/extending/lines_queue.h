// The row of kind lines: what would stand in app/kinds.cc.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kLinesKind;

}  // namespace docktor
