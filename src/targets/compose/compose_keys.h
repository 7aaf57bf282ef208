// The keys of a target of kind compose.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kComposeKeys;

}  // namespace docktor
