// One AMQP connection, shared by the services that read queues of the same virtual host with the same user.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "queues/rabbitmq/rabbitmq_spec.h"
#include "queues/rabbitmq/sample_maker.h"

namespace docktor {

/// Asks for queues by passive declares, which take nothing and make nothing. It connects when it is first
/// asked, and again, with growing pauses, when the connection is lost.
///
/// Thread-safe. One thread of its own does all the work and calls all callbacks, which must not block and must
/// not destroy the connection. The destructor answers what is left with kUnavailable, and returns within seconds.
class AmqpConnection {
 public:
  using Done = std::function<void(Result<Declared>)>;

  /// `spec.queue` does not matter. `resolve`, where set, gives the address to connect to in place of a URL.
  AmqpConnection(RabbitSpec spec, std::function<std::string(const std::string& url)> resolve);
  ~AmqpConnection();
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;

  /// Calls `done` once, shortly after `timeout` at the latest. kNotFound: the queue is not there (yet); kDenied:
  /// refused; kUnavailable, kTimeout.
  void declare(const std::string& queue, Duration timeout, Done done);

  /// Looks at the queue several times a second until it has messages, calls `fired` then, once, and forgets it.
  using WatchId = std::uint64_t;
  WatchId watch(const std::string& queue, std::function<void()> fired);
  void unwatch(WatchId id);

  /// How often watched queues are looked at now: more rarely where there are many.
  Duration watch_interval() const;

  /// The server without credentials, for messages.
  const std::string& shown() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace docktor
