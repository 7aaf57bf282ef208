// Several queues of one service as one: sums of what all of them tell.
#pragma once

#include <string_view>
#include <vector>

#include "core/sample.h"

namespace docktor {

/// Each gauge is the sum of theirs, and absent where one of them does not tell it; but the oldest message is the
/// oldest of all, the redelivery time the longest, the step the longest (the sum is as old as its oldest part), and
/// replicas are useful up to the sum of what each can feed, where each has a bound.
///
/// What waits in a queue that is paused is no work now: it is left out of num_pending, unless all are paused. What is in
/// hand is not left out. `parts` is not empty; it comes back in the order of names.
QueueSample sum_of(std::vector<NamedSample> parts);

/// What may name one of several queues: 1 to 63 letters, digits, _ and -.
bool is_queue_name(std::string_view name);

}  // namespace docktor
