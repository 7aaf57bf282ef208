// The keys of a queue of kind nats.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kNatsKeys;

}  // namespace docktor
