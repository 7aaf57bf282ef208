// The row of kind rabbitmq in the table of kinds.
#pragma once

#include "config/kind.h"

namespace docktor {

extern const QueueKind kRabbitKind;

}  // namespace docktor
