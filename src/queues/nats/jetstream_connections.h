// One connection per server set and credentials, shared by the services that have the same.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "queues/nats/jetstream_connection.h"
#include "queues/nats/nats_link.h"

namespace docktor {

/// One connection per server set and credentials. Thread-safe. Connections live as long as somebody holds
/// them.
class JetStreamConnections {
 public:
  std::shared_ptr<JetStreamConnection> get(const NatsLinkOptions& options);
  /// See NatsLinkOptions::resolve; for all connections made from then on.
  void set_resolve(std::function<std::string(const std::string& url)> resolve);

 private:
  std::mutex mutex_;
  std::function<std::string(const std::string&)> resolve_;
  std::map<std::string, std::weak_ptr<JetStreamConnection>> connections_;
};

}  // namespace docktor
