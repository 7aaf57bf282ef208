// The keys of kind redis.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kRedisKeys;

}  // namespace docktor
