// One connection to a PostgreSQL server, shared by all services with the same server, database and user: reads one
// after the other, and listens to channels. A lost connection is made again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "queues/postgres/postgres_spec.h"

namespace docktor {

/// What a statement was answered with: texts, nothing for NULL.
struct PgRows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;

  /// The column's place; -1 where there is none of that name.
  int column(std::string_view name) const;
};

/// One statement that reads, and its parameters ($1, ...).
struct PgQuery {
  std::string sql;
  std::vector<std::optional<std::string>> parameters{};
  bool strict = false;  ///< rows that the user may not see (row level security) are an error, not left out
  Duration lock_wait = std::chrono::milliseconds(500);  ///< at most, and half the time that there is
};

/// How to connect. Copied into the connection's thread.
struct PgLogin {
  std::string url, user, password;
  std::string ca_file, cert_file, key_file;
  bool tls = false;        ///< asked for by a key
  bool tls_verify = true;  ///< of `tls`
  std::string scope;       ///< urls of the same name in different scopes are different servers
  /// The address to connect to in place of `url`; may block. Empty: as it is.
  std::function<std::string(const std::string&)> resolve{};

  static PgLogin from(const PostgresSpec& spec);
  std::string key() const;  ///< the same for those that may share a connection
};

/// Of the server that answers now.
struct PgServer {
  std::string place;  ///< "db:5432", "/run/postgresql"
  std::string database;
  std::string user;
  std::string version;  ///< "15.20 (Debian ...)"
  bool encrypted = false;
  bool local = false;  ///< this machine
  int pid = 0;         ///< the server's process that serves us, by what we were told when we connected
};

/// Thread-safe. Callbacks run on the connection's own thread. Dropping the last reference ends everything, not from a
/// callback.
class PgConnection {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Done = std::function<void(Result<PgRows>)>;
  using Fill = std::function<void(PgQuery&)>;

  static constexpr std::size_t kMaxWaiting = 100'000;  ///< statements that wait for their turn
  static constexpr std::size_t kMaxBytes = 16 << 20;   ///< of one answer, about
  static constexpr int kMaxRows = 10'000;              ///< of one answer

  /// Throws std::system_error where there is no thread or no descriptor left.
  explicit PgConnection(PgLogin login);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  /// Reads in a transaction that can only read. `fill` may complete the query on the connection's thread when its turn has come,
  /// after `wait` at the earliest. `done` is called exactly once: kUnavailable where the server is not there or has no
  /// connection left, kDenied where it lets us not in or not at the table, kNotFound where there is no such table, kTimeout
  /// at the deadline and where a lock stands in the way. The first attempt to connect is waited for. A statement that the
  /// server ended for its time or for a lock is not read again for a while, which grows, and then behind all others: until
  /// then it is answered with the same error.
  void send(PgQuery query, Duration wait, SteadyTime deadline, Done done, Fill fill = {});

  /// Runs `task` once, in so long, on the connection's thread; at once where there is no connection or it is closed.
  void after(Duration wait, std::function<void()> task);

  /// send() for callers who wait; never from a callback.
  Result<PgRows> call(PgQuery query, Duration timeout);

  /// What happens on a channel: `ready` once it is listened to (again), `told` for each notification with what it says,
  /// `gap` with why nothing is heard, empty when it is again. Lives until unlisten(); a call that has begun may still end
  /// behind that.
  struct Listener {
    std::function<void()> ready;
    std::function<void(const std::string&)> told;
    std::function<void(std::string)> gap;
  };
  std::uint64_t listen(std::string channel, Listener listener);
  void unlisten(std::uint64_t id);

  std::optional<PgServer> server() const;  ///< nothing while it is not connected

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

/// One connection per server and identity. Thread-safe. Connections live as long as somebody holds them.
class PgConnections {
 public:
  std::shared_ptr<PgConnection> get(const PgLogin& login);

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::weak_ptr<PgConnection>>> connections_;
};

}  // namespace docktor
