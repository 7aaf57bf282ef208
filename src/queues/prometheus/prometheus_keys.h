// What kind prometheus says of itself to whatever reads a configuration.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kPrometheusKeys;

}  // namespace docktor
