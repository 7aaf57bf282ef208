// What stands behind the opaque Connection.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "docktor/connection.h"
#include "queues/nats/jetstream_connection.h"
#include "queues/nats/nats_options.h"

namespace docktor {

/// Thread-safe.
class Connection::Impl {
 public:
  /// `owned`: closed and destroyed with this. `options` hold what nats.c needs when it connects again.
  Impl(natsConnection* nc, bool owned, std::unique_ptr<NatsLinkOptions> options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  natsConnection* nc() const { return nc_; }
  const std::string& shown_url() const { return shown_url_; }  ///< without credentials

  /// JetStream's API over this connection; its thread begins with the first use.
  std::shared_ptr<JetStreamConnection> api();

  /// False when it was not sent, nor buffered to be sent later.
  bool publish(const char* subject, std::string_view data) {
    return natsConnection_Publish(nc_, subject, data.data(), static_cast<int>(data.size())) == NATS_OK;
  }

  /// A JetStream request for callers who wait. As JetStreamConnection::call(), but a time-out that
  /// permissions explain is kDenied.
  Result<std::string> call(std::string subject, std::string body, Duration timeout);

 private:
  natsConnection* const nc_;
  const bool owned_;
  const std::unique_ptr<NatsLinkOptions> options_;
  const std::string shown_url_;
  std::mutex mutex_;
  std::shared_ptr<JetStreamConnection> api_;
};

/// A name that nobody else has, of letters and digits.
std::string unique_name();

}  // namespace docktor
