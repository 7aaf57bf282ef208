// What kind sqs says of itself to whatever reads a configuration.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kSqsKeys;

}  // namespace docktor
