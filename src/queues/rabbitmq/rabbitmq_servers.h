// What services that read the same server share: one AMQP connection per server, user and virtual host, and one
// client of the management API beside it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/factory.h"
#include "queues/rabbitmq/amqp_connection.h"
#include "queues/rabbitmq/management.h"
#include "queues/rabbitmq/rabbitmq_spec.h"

namespace docktor {

struct RabbitServer {
  RabbitServer(const RabbitSpec& spec, const Reach& reach);
  AmqpConnection amqp;
  ManagementApi management;
};

/// Thread-safe. A server lives as long as somebody holds it.
class RabbitServers {
 public:
  std::shared_ptr<RabbitServer> get(const RabbitSpec& spec, const Reach& reach);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<RabbitServer>> servers_;
};

}  // namespace docktor
