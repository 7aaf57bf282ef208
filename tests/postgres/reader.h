// Jobs in PostgreSQL under test, read as the controller reads them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "queues/postgres/framework.h"
#include "queues/postgres/framework_table.h"
#include "queues/postgres/pg_connection.h"
#include "queues/postgres/postgres_source.h"
#include "tests/support/postgres_server.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

/// One server serves all tests of the program.
PostgresServer& shared_server();

inline PostgresSpec jobs_of(std::string url, const std::string& framework,
                            std::vector<std::string> queues = {}) {
  PostgresSpec s;
  s.url = std::move(url);
  s.framework = framework;
  s.queues = std::move(queues);
  s.claim_after = std::chrono::seconds(60);
  return s;
}

inline PostgresSpec query_of(std::string url, std::string query) {
  PostgresSpec s;
  s.url = std::move(url);
  s.query = std::move(query);
  return s;
}

class PostgresReader final : public SourceReader {
 public:
  explicit PostgresReader(const PostgresSpec& spec, FrameworkTable::Now now = std::chrono::steady_clock::now)
      : PostgresReader(spec, std::make_shared<PgConnections>(), std::move(now)) {}
  /// With others by one connection.
  PostgresReader(const PostgresSpec& spec, std::shared_ptr<PgConnections> connections,
                 FrameworkTable::Now now = std::chrono::steady_clock::now)
      : connections_(std::move(connections)),
        table_(spec.framework.empty() ? nullptr
                                      : std::make_shared<FrameworkTable>(*pg_framework_named(spec.framework),
                                                                         spec.schema, std::move(now))),
        source_(connections_->get(PgLogin::from(spec)), table_, spec) {}

  PostgresSource& source() override { return source_; }

 private:
  std::shared_ptr<PgConnections> connections_;
  std::shared_ptr<FrameworkTable> table_;
  PostgresSource source_;
};

}  // namespace docktor::test
