// One attempt to connect, on a thread of its own, since a name look-up and a handshake block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "core/result.h"
#include "os/bell.h"
#include "queues/rabbitmq/amqp_socket.h"
#include "queues/rabbitmq/rabbitmq_spec.h"

namespace docktor {

/// Of one thread. A name look-up cannot be interrupted: the destructor waits a few seconds, and then leaves it alone.
class AmqpAttempt {
 public:
  /// `resolve` and `shown`: see AmqpConnection. `bell` rings when it is over.
  AmqpAttempt(const RabbitSpec& spec, const std::function<std::string(const std::string&)>& resolve,
              const std::string& shown, const std::shared_ptr<const Bell>& bell);
  ~AmqpAttempt();
  AmqpAttempt(const AmqpAttempt&) = delete;
  AmqpAttempt& operator=(const AmqpAttempt&) = delete;

  /// What came of it, once; nothing while it goes on.
  std::optional<Result<AmqpState>> take();

 private:
  struct Outcome;
  std::shared_ptr<Outcome> outcome_;
  std::thread thread_;
};

}  // namespace docktor
