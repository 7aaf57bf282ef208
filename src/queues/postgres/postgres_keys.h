// What kind postgres is to a configuration.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kPostgresKeys;

}  // namespace docktor
