// The keys of a queue of kind rabbitmq.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const KindKeys kRabbitKeys;

}  // namespace docktor
