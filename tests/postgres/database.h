// A database of a test's own on the shared server.
#pragma once

#include <string>

#include "tests/postgres/reader.h"

namespace docktor::test {

struct Database {
  explicit Database(const std::string& statements = {}) : name(server.new_database()) {
    if (!statements.empty()) server.sql(statements, name);
  }
  std::string sql(const std::string& statements) const { return server.sql(statements, name); }
  std::string url(const std::string& user = "postgres") const { return server.url(name, user); }

  PostgresServer& server = shared_server();
  const std::string name;
};

}  // namespace docktor::test
