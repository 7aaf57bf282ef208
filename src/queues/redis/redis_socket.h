// One connection to one Redis server: TCP or a socket of this host, with TLS or without.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "os/fd.h"
#include "queues/redis/redis_address.h"
#include "queues/redis/reply.h"

namespace docktor {

struct RedisTls {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  bool verify = true;
};

/// Not thread-safe; its thread has SIGPIPE blocked. Non-blocking once it is made.
class RedisSocket {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// Looks the name up (which may block for longer than the deadline), connects, and shakes hands for TLS.
  /// Errors: kUnavailable, kDenied (TLS), kTimeout; messages begin with the address and tell the cure.
  static Result<RedisSocket> connect(const RedisAddress& address, const RedisTls& tls, SteadyTime deadline);

  /// Sends as much as goes at once and takes it off the front of `bytes`.
  Result<void> send(std::string& bytes);
  /// Reads what is there; fails where the other side has closed.
  Result<void> receive(ReplyReader& into);
  int fd() const { return fd_.get(); }

  /// Sends commands one by one and waits for their replies: for signing in. Bounded by the deadline.
  Result<std::vector<Reply>> talk(const std::vector<RedisCommand>& commands, ReplyReader& reader,
                                  SteadyTime deadline);

 private:
  struct FreeSsl {
    void operator()(SSL* s) const { SSL_free(s); }
  };

  Result<void> shake_hands(const RedisAddress& address, const RedisTls& tls, SteadyTime deadline);

  Fd fd_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace docktor
