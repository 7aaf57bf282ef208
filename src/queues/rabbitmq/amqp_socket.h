// A signed-in AMQP connection of librabbitmq, and how one is made.
#pragma once

#include <amqp.h>

#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "queues/rabbitmq/rabbitmq_spec.h"

namespace docktor {

struct CloseAmqp {
  void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
};
/// Belongs to one thread at a time.
using AmqpState = std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, CloseAmqp>;

/// Connects and signs in. Blocks: a name look-up for as long as it takes, all else for `timeout` each. kDenied
/// where user, password, virtual host or certificate are refused, else kUnavailable; the messages say what to do.
/// `host` and `port` are where to go, `spec` who and what for; `shown` is how errors call the server.
Result<AmqpState> connect_amqp(const RabbitSpec& spec, const std::string& host, int port,
                               const std::string& shown, Duration timeout);

/// What the server said when it closed a connection or channel, with its code: "ACCESS_REFUSED - ...".
std::string close_text(const amqp_bytes_t& text);

}  // namespace docktor
