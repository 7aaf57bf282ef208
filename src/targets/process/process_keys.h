// The keys of a target of kind process.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kProcessKeys;

}  // namespace docktor
