// Which subscriptions the server denies to this user: a denied one is silent but for an asynchronous error,
// so it is tried.
#pragma once

#include <string>
#include <vector>

#include "core/time.h"
#include "queues/nats/jetstream_connection.h"

namespace docktor {

/// Subscribes to `subjects` for a moment and returns those that were denied. Blocking; never on the loop's
/// thread.
std::vector<std::string> denied_subscriptions(JetStreamConnection& connection,
                                              const std::vector<std::string>& subjects, Duration timeout);

}  // namespace docktor
