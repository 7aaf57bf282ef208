// What a statement's row says of a queue: figures by the name of their column. A figure that is NULL is absent; one that
// is no count is an error that names it; never is either taken for 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "core/sample.h"
#include "queues/postgres/pg_connection.h"

namespace docktor {

/// The columns that a query of the user's may have.
inline constexpr std::string_view kFigureNames[] = {"backlog", "in_hand",   "oldest_age", "scheduled",
                                                    "dead",    "consumers", "arrived",    "settled"};

/// A whole number from 0; fractions are rounded up. Nothing for NULL and where there is no such column. kInvalid for
/// anything else.
Result<std::optional<std::uint64_t>> pg_count(const PgRows& rows, std::size_t row, std::string_view column);
/// Seconds; a negative age (of clocks that differ) is 0.
Result<std::optional<double>> pg_seconds(const PgRows& rows, std::size_t row, std::string_view column);

/// The one row of a user's query: without `totals.incarnation`. Its only column may have any name and is the backlog.
Result<QueueSample> sample_of_query(const PgRows& rows);

/// As the query is sent: it can neither write nor end the transaction, and has two rows of 10 kB at most.
std::string wrapped_query(std::string_view query);

}  // namespace docktor
