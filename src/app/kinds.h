// Every kind of queue and target that this program has: the one place that lists them.
#pragma once

#include <span>

#include "config/kind.h"

namespace docktor {

std::span<const QueueKind* const> queue_kinds();
std::span<const TargetKind* const> target_kinds();

/// As much of them as a configuration needs.
const Kinds& all_kinds();

}  // namespace docktor
