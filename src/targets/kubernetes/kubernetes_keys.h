// The keys of kind kubernetes.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kKubernetesKeys;

}  // namespace docktor
