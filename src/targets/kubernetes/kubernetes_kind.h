// The row of kind kubernetes.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const TargetKind kKubernetesKind;

}  // namespace docktor
