// The job frameworks whose tables are read: one row each, with the statement that tells of all queues at once.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace docktor {

/// How a framework's jobs lie in the database. In its texts `$S` stands for the schema with its point, `"jobs".`, or
/// for nothing where the search path decides, `$N` for the schema's name.
struct PgFramework {
  std::string_view name;    ///< what `framework:` says
  std::string_view shown;   ///< "River"
  std::string_view schema;  ///< the standard one; empty: by the search path
  std::string_view queue;   ///< the one meant where none is named; empty: none
  bool all_queues = false;  ///< where none is named all are meant
  int claim_seconds = 60;   ///< a job in dead hands comes again then
  std::string_view tables;  ///< those that are read, the one with the jobs first, blanks between
  std::string_view
      channel;            ///< notified with each job, `$Q` in it: one for each queue; empty: nobody is told
  std::string_view hole;  ///< what the channel does not tell, for watch_gap()
  std::string_view version;  ///< a statement with one text: the mark that was found
  std::string_view names;    ///< a statement with the names of queues that are there

  /// Rows of queue, backlog, in_hand, scheduled, retries (of the scheduled ones: those that were tried before),
  /// oldest_age, paused. $1: text[] of queues, or NULL for all. States are
  /// listed, so that an index serves it and finished jobs are never looked at. `size.small` says of a table without such
  /// an index that it may be counted.
  std::string_view live;
  bool knows_queues = false;  ///< `live` has a row for each queue that exists: another one is not there yet

  /// Where finished jobs stay for a while, and ids only grow: arrivals are counted among the latest ids.
  std::string_view id_queue = "";   ///< the column with the queue's name; empty: they are not
  std::string_view added = "null";  ///< arrivals of all queues together, a total
  bool added_of_each = false;       ///< `live` has one more column, a queue's arrivals, a total
  /// Rows of queue, one for each job that failed for good, the newest first, where an index serves that; the first $M are
  /// counted. Empty: they are not, unless `live` does.
  std::string_view dead = "";
  bool dead_of_each = false;  ///< `live` has one more column, a queue's dead jobs
  bool oldest_age = true;

  std::string_view table() const { return tables.substr(0, tables.find(' ')); }
  bool tells_dead() const { return !dead.empty() || dead_of_each; }
  bool tells_arrivals(bool all) const {
    return !id_queue.empty() || added_of_each || (all && added != "null");
  }
};

std::span<const PgFramework> pg_frameworks();
/// No more dead jobs are counted: what failed for good stays, and may be as many as were ever put in.
inline constexpr int kMostDead = 10'000;
/// nullptr where there is none of that name.
const PgFramework* pg_framework_named(std::string_view name);

/// A text of the framework's with its schema (empty: the framework's own) put in.
std::string with_schema(std::string_view text, const PgFramework& framework, const std::string& schema);

/// Reads all queues at once. $1: text[] of queues or NULL; $2, $3: bigint, ids behind which jobs are counted. Rows of
/// queue, backlog, in_hand, scheduled, retries, oldest_age, paused, added (since $2, or a total), dead where it is told,
/// added_late (since $3), newest (the latest id). One row has NULL for the queue: what holds for those that have no row, and for all together.
std::string pg_statement(const PgFramework& framework, const std::string& schema);

/// "name" as an identifier of SQL.
std::string pg_identifier(std::string_view name);

}  // namespace docktor
