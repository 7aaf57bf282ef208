// What kind http says of itself to whatever reads a configuration.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kHttpKeys;

}  // namespace docktor
