// Kind postgres as a row of the table of kinds.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kPostgresKind;

}  // namespace docktor
