// The row of kind nats.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kNatsKind;

}  // namespace docktor
