// The row of kind prometheus in the table of kinds.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kPrometheusKind;

}  // namespace docktor
