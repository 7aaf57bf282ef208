// The row of kind redis.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kRedisKind;

}  // namespace docktor
