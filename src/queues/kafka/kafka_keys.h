// The keys of kind kafka.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kKafkaKeys;

}  // namespace docktor
