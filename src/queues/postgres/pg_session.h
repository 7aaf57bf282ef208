// A session of libpq, as one thread uses it: waiting ends at a deadline, or when the owner wants.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "queues/postgres/pg_connection.h"

namespace docktor {

/// Not thread-safe. Every call may wait, until its deadline at most.
class PgSession {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  /// Waits for the descriptor (`events` of poll), until the time at most; false: give up at once.
  using Wait = std::function<bool(int fd, short events, SteadyTime until)>;

  static Result<std::unique_ptr<PgSession>> connect(const PgLogin& login, SteadyTime deadline,
                                                    const Wait& wait);

  /// Begins a transaction that can only read, reads, ends it. After an error that the session does not survive broken()
  /// is true.
  Result<PgRows> read(const PgQuery& query, SteadyTime deadline, const Wait& wait);
  /// LISTEN and the like: without rows, without a transaction of ours.
  Result<void> command(const std::string& sql, SteadyTime deadline, const Wait& wait);

  /// Takes what came meanwhile. Calls `told` with channel and payload of each notification. Fails where the
  /// connection is lost.
  Result<void> notifications(const std::function<void(const std::string&, const std::string&)>& told);

  bool broken() const { return broken_ || PQstatus(connection_.get()) != CONNECTION_OK; }
  int fd() const { return PQsocket(connection_.get()); }
  const PgServer& server() const { return server_; }

 private:
  struct End {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

  explicit PgSession(PGconn* connection) : connection_(connection) {}
  Result<Answer> answer(SteadyTime deadline, const Wait& wait);
  Error lost(std::string why = {});

  std::unique_ptr<PGconn, End> connection_;
  PgServer server_;
  bool broken_ = false;
};

/// One line, without control characters, of bounded length: what a server said, for people.
std::string pg_line(std::string_view text);

}  // namespace docktor
