// What `docktor config validate` finds out about jobs in PostgreSQL.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/finding.h"
#include "core/sample.h"
#include "queues/postgres/pg_connection.h"
#include "queues/postgres/postgres_spec.h"

namespace docktor {

struct PostgresLook {
  const PostgresSpec& spec;
  std::function<Result<PgRows>(PgQuery)> ask;
  std::function<std::optional<PgServer>()> server;
  std::function<Result<QueueSample>()> sample;  ///< of a framework's queues
};

/// Blocking, as long as `ask` and `sample` take.
std::vector<Finding> check_postgres(const PostgresLook& look);

}  // namespace docktor
