// The row of kind kafka.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kKafkaKind;

}  // namespace docktor
