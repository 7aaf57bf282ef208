// How this program connects with nats.c: addresses, credentials, TLS, and what a refusal means in words.
#pragma once

#include <nats/nats.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "queues/nats/nats_spec.h"

namespace docktor {

struct NatsLinkOptions {
  std::string url;  ///< one or several, separated by commas; may carry credentials
  std::string user;
  Secret password;
  Secret token;
  std::string creds_file;
  Secret nkey_seed;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string api = "$JS.API";  ///< what stands before every request to JetStream
  /// Not empty: called before each attempt, on the connecting thread, with `url`; its answer is connected to
  /// instead (a Compose service's name → the port it is published on). Thread-safe; an empty answer means
  /// `url` as it is.
  std::function<std::string(const std::string& url)> resolve;
  std::string
      scope;  ///< names that `resolve` knows belong to it (a Compose project); not shared between scopes
  Duration connect_timeout = std::chrono::seconds(2);  ///< per server and attempt
  Duration first_retry = std::chrono::milliseconds(50);
  Duration last_retry =
      std::chrono::seconds(2);  ///< the backoff's cap; longer makes recovery later, shorter costs connects

  static NatsLinkOptions from(const NatsSpec& spec);
};

struct NatsOptionsDeleter {
  void operator()(natsOptions* o) const { natsOptions_Destroy(o); }
};
using NatsOptionsPtr = std::unique_ptr<natsOptions, NatsOptionsDeleter>;

/// nats.c's options for one server: address, credentials, time-outs, TLS where asked for (`secure`, by the
/// address or by a certificate). Reconnecting is left to the caller. They refer to `o`'s nkey seed, which
/// must outlive all attempts to connect.
Result<NatsOptionsPtr> make_nats_options(const NatsLinkOptions& o, const std::string& url, bool secure);

/// "a:4222, b:4222" as addresses with a scheme; kMaxServers at most.
inline constexpr std::size_t kMaxServers = 64;
std::vector<std::string> split_urls(std::string_view text);

/// Credentials that an address carries percent-encoded ("nats://ann:p%40ss@host"), which nats.c would send as
/// they stand: taken out of `server` and decoded. Nothing, and the address as it was, where none are encoded.
struct UrlCredentials {
  std::string user;
  Secret password;
  Secret token;  ///< where there is no user
};
UrlCredentials take_encoded_credentials(std::string& server);

/// Why an attempt failed, and what to do.
Error connect_error(natsStatus status, const std::string& text, const std::string& server);

}  // namespace docktor
