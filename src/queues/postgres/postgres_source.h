// Reads one service's jobs in PostgreSQL: a framework's queues, or what a query of the user's says.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/source.h"
#include "queues/postgres/framework_table.h"
#include "queues/postgres/pg_connection.h"
#include "queues/postgres/postgres_spec.h"

namespace docktor {

/// Thread-safe. Nothing is ever written to the database.
class PostgresSource final : public Source {
 public:
  /// `table` is nullptr for a query of the user's.
  PostgresSource(std::shared_ptr<PgConnection> connection, std::shared_ptr<FrameworkTable> table,
                 PostgresSpec spec);
  ~PostgresSource() override;

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  void watch(std::function<void()> on_message) override;
  std::string watch_gap() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  class Core;

  const PostgresSpec spec_;
  std::shared_ptr<PgConnection> connection_;  // outlives the core
  std::shared_ptr<Core> core_;
};

}  // namespace docktor
