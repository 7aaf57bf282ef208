#include "queues/nats/jetstream_connections.h"

#include <utility>

#include "core/text.h"

namespace docktor {

std::shared_ptr<JetStreamConnection> JetStreamConnections::get(const NatsLinkOptions& o) {
  std::string key;
  for (const auto* part : {&o.url, &o.scope, &o.user, &o.password.value, &o.token.value, &o.creds_file,
                           &o.nkey_seed.value, &o.tls_ca_file, &o.tls_cert_file, &o.tls_key_file, &o.api}) {
    key += *part;
    key += '\0';
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(connections_, [](const auto& c) { return c.second.expired(); });
  auto& slot = connections_[key];
  auto connection = slot.lock();
  if (!connection) {
    NatsLinkOptions options = o;
    if (!options.resolve) options.resolve = resolve_;
    connection = std::make_shared<JetStreamConnection>(
        redacted_url(options.url),
        [options](EventLoop& loop, LinkEvents events) {
          return std::make_unique<NatsLink>(loop, options, std::move(events));
        },
        options.api);
    slot = connection;
  }
  return connection;
}

void JetStreamConnections::set_resolve(std::function<std::string(const std::string& url)> resolve) {
  const std::lock_guard lock(mutex_);
  resolve_ = std::move(resolve);
}

}  // namespace docktor
