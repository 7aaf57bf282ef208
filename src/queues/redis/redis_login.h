// Signing in at a Redis server: which server (a sentinel may have to be asked), who we are, which database, and
// what the server says of itself.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "queues/redis/redis_address.h"
#include "queues/redis/redis_socket.h"
#include "queues/redis/redis_spec.h"

namespace docktor {

struct RedisLoginOptions {
  std::string url;
  std::string scope;  ///< see Reach
  std::string user;
  Secret password;
  RedisTls tls;
  std::string sentinel;
  std::function<std::string(const std::string& url)> resolve;  ///< see Reach; may be empty
  Duration timeout = std::chrono::seconds(3);                  ///< of one attempt at one address

  static RedisLoginOptions from(const RedisSpec& spec);
  /// The same text for options that lead to the same server as the same user.
  std::string key() const;
  /// The same user at another server of the same cluster.
  RedisLoginOptions at(const std::string& place) const;
  /// Of `url`, for people: without credentials.
  std::string shown() const;
};

/// As INFO tells it; a field is empty where this user may not ask.
struct RedisServer {
  std::string place;    ///< "redis:6379"
  std::string version;  ///< "7.0.15"
  std::string run_id;   ///< another one: the server was restarted, or is another one
  std::string role;     ///< "master", "slave"
  std::string mode;     ///< "standalone", "cluster", "sentinel"
  std::string master;   ///< of a replica: "redis-2:6379"
  bool behind = false;  ///< a replica that has lost its master: what it has is of then
  std::string note;     ///< what people should know while this connection answers; empty: nothing
  int db = 0;

  int major() const;  ///< 0 where it is not known
};

struct RedisLogin {
  RedisSocket socket;
  RedisServer server;
};

/// Takes role and master from what INFO replication says.
void take_replication(RedisServer& server, std::string_view info);

/// Tries the addresses one after the other; of several errors the most telling one. Blocks; a name look-up may
/// take longer than the timeout.
Result<RedisLogin> log_in(const RedisLoginOptions& options);

/// What an error of the server's means, in words: which address, what to do.
Error redis_error(const std::string& place, const Reply& error, const std::string& command);

}  // namespace docktor
