// A connection to NATS, opaque: everything of docktor that talks to a server is given one.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "docktor/export.h"
#include "docktor/result.h"

namespace docktor {

/// Credentials and the like; leave empty what the server does not ask for. Secrets appear in no message.
struct ConnectionOptions {
  std::string user;
  std::string password;
  std::string token;
  std::string creds_file;  ///< a user's JWT and key, as `nsc` writes them
  std::string nkey_seed;   ///< "SU..."
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::chrono::milliseconds timeout{2000};  ///< of the first attempt, per server
  /// Between attempts to come back after the connection was lost; it tries for ever. Longer means a later
  /// recovery, shorter costs the server attempts.
  std::chrono::milliseconds reconnect_wait{100};
};

/// A handle: copies mean the same connection, which closes with the last of them (provisioners and
/// requesters hold copies of their own). Thread-safe.
///
/// A connection that is lost comes back by itself. What was published meanwhile is sent then, as far as the
/// client's buffer (8 MB) holds it; what needs an answer fails with kUnavailable or kTimeout.
class DOCKTOR_EXPORT Connection {
 public:
  /// `url`: one or several servers, "nats://host:4222, nats://other:4222"; may carry credentials,
  /// percent-encoded where they must be ("nats://ann:p%40ss@host"); those of the first server then hold for
  /// all of them that are encoded. kUnavailable: nobody answers there. kDenied: the server refuses the
  /// credentials. kInvalid: the url.
  static Result<Connection> connect(const std::string& url, const ConnectionOptions& options = {});

  /// Whether the server can be reached now, as far as is known.
  bool connected() const;

  class DOCKTOR_HIDDEN Impl;
  explicit Connection(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<Impl>& impl() const { return impl_; }  ///< for docktor itself

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace docktor
