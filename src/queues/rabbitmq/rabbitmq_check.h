// What `config validate` says of a RabbitMQ queue.
#pragma once

#include <vector>

#include "core/finding.h"
#include "core/time.h"
#include "queues/rabbitmq/rabbitmq_servers.h"

namespace docktor {

/// Blocks, for about `timeout` at most. `may_reach_zero`: min_replicas is 0; `needs_flow`: there is an objective.
std::vector<Finding> check_rabbit_queue(RabbitServer& server, const RabbitSpec& spec, bool may_reach_zero,
                                        bool needs_flow, Duration timeout);

}  // namespace docktor
