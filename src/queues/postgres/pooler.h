// A pooler of connections before the server (PgBouncer): it gives one of the server's sessions to whoever has a transaction just
// now. What a session keeps, as what it listens to, is an application's with its next transaction.
#pragma once

#include <string>

#include "queues/postgres/pg_connection.h"

namespace docktor {

inline constexpr const char* kPooled =
    "a pooler of connections stands before the server, and lets no notification through";

/// Asks which of the server's processes serves us.
inline constexpr const char* kServedBy = "select pg_backend_pid()";

/// Whether it is another than the one that we were told of when we connected. A pooler that keeps to one session for each client
/// looks the same: then, too, nobody listens.
inline bool behind_pooler(const PgRows& served_by, const PgServer& server) {
  return !served_by.rows.empty() && served_by.rows.front().front() &&
         *served_by.rows.front().front() != std::to_string(server.pid);
}

}  // namespace docktor
