#include "queues/postgres/postgres_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "core/text.h"
#include "queues/postgres/figures.h"
#include "queues/postgres/framework.h"
#include "queues/postgres/pg_session.h"
#include "queues/postgres/pooler.h"

namespace docktor {

namespace {

class Check {
 public:
  explicit Check(const PostgresLook& look)
      : look_(look), framework_(pg_framework_named(look.spec.framework)) {}

  std::vector<Finding> run() {
    const auto there = look_.ask({.sql = "select pg_is_in_recovery()"});
    if (!there) {
      add(Severity::kError, there.error().message);
      return found_;
    }
    the_server(there->rows.front().front() == "t");
    if (framework_ && !the_tables()) return found_;
    if (!framework_)
      the_query();
    else if (the_figures())
      the_queues();
    return found_;
  }

 private:
  void add(Severity severity, std::string what, std::string cure = {}) {
    found_.push_back({severity, std::move(what), std::move(cure)});
  }

  /// The first column of the answer; nothing where there is no answer.
  std::vector<std::string> texts(PgQuery query) const {
    std::vector<std::string> out;
    const auto rows = look_.ask(std::move(query));
    if (!rows) return out;
    for (const auto& r : rows->rows) {
      if (!r.empty() && r.front()) out.push_back(pg_line(*r.front()));
    }
    return out;
  }

  void the_server(bool standby) {
    const auto s = look_.server();
    if (!s) return;
    place_ = s->place;
    database_ = s->database;
    add(Severity::kOk, fmt::format("{} answers (PostgreSQL {}, database {}, user {})", s->place,
                                   s->version.substr(0, s->version.find(' ')), s->database, s->user));
    if (standby)
      add(Severity::kWarning,
          fmt::format("{} is a standby: what it tells may be late, and it notifies nobody of new jobs",
                      s->place),
          "write the primary's address, or target_session_attrs=primary with all addresses in queue.url");
    if (!s->encrypted && !s->local)
      add(Severity::kWarning, fmt::format("the connection to {} is not encrypted", s->place),
          "write queue.tls with ca_file, or sslmode=verify-full in queue.url");
    const bool has_channel = !look_.spec.listen.empty() || (framework_ && !framework_->channel.empty());
    const auto served_by = look_.ask({.sql = kServedBy});
    if (has_channel && served_by && behind_pooler(*served_by, *s))
      add(Severity::kWarning, fmt::format("{}: docktor polls at zero replicas", kPooled),
          "write the server's own address in queue.url, where the first job is to wake a replica at once");
  }

  // Whether the framework's tables are there, and where else they are.
  bool the_tables() {
    const auto& f = *framework_;
    const std::string table(f.table());
    const auto name = with_schema(fmt::format("'$S{}'", table), f, look_.spec.schema);
    if (!texts({.sql = fmt::format("select to_regclass({})::text", name)}).empty()) {
      const auto version = texts({.sql = with_schema(f.version, f, look_.spec.schema)});
      mark_ = version.empty() ? "" : fmt::format(" ({})", version.front());
      return true;
    }
    const auto schema = look_.spec.schema.empty() ? std::string(f.schema) : look_.spec.schema;
    const auto where =
        schema.empty() ? std::string("by the user's search path") : fmt::format("in schema {}", schema);
    auto elsewhere =
        texts({.sql = "select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                      "where c.relname = $1 and c.relkind in ('r', 'p', 'v') order by 1 limit 10",
               .parameters = {table}});
    add(Severity::kError,
        fmt::format("{} is not there: docktor looked for table {} {} of database {}, {}", f.shown, table,
                    where, database_,
                    elsewhere.empty()
                        ? std::string("and no schema has one")
                        : fmt::format("and schema {} has one", fmt::join(elsewhere, ", schema "))),
        elsewhere.empty() ? fmt::format("run {}'s migrations, or correct the database in queue.url", f.shown)
                          : fmt::format("write queue.schema: {}", elsewhere.front()));
    return false;
  }

  static std::string told(const QueueSample& s) {
    std::string out = fmt::format(
        "{} waiting, {}", s.num_pending,
        s.num_ack_pending ? fmt::format("{} in hand", *s.num_ack_pending) : std::string("in hand not told"));
    if (s.scheduled) out += fmt::format(", {} scheduled", *s.scheduled);
    if (s.dead) out += fmt::format(", {} dead", *s.dead);
    if (s.consumers) out += fmt::format(", {} workers", *s.consumers);
    return out;
  }

  void the_query() {
    const auto rows = look_.ask({.sql = wrapped_query(look_.spec.query)});
    const auto s = rows ? sample_of_query(*rows) : tl::unexpected(rows.error());
    if (!s) return add(Severity::kError, s.error().message);
    const bool flow = rows->column("arrived") >= 0 || rows->column("settled") >= 0;
    add(Severity::kOk,
        fmt::format("the query: {}{}", told(*s), flow ? "" : "; neither arrived nor settled: no rates"));
    for (std::size_t i = 0; i < rows->columns.size(); ++i) {
      const auto& column = rows->columns[i];
      if (rows->rows.front()[i] || column == "oldest_age") continue;  // nothing waits: it has no age
      const bool total = column == "arrived" || column == "settled";
      add(Severity::kWarning,
          fmt::format("{} is NULL now, which is no data{}", column, total ? ": no rates while it is so" : ""),
          fmt::format(
              "where NULL means 0, write coalesce(..., 0) as {}: max(id) and sum(x) of no rows are NULL",
              column));
    }
  }

  bool the_figures() {
    const auto s = look_.sample();
    if (!s) {
      std::string cure;
      if (s.error().message.find("row-level security") != std::string::npos)
        cure =
            "the tables hide rows from all but their owner: ALTER ROLE NAME BYPASSRLS, or sign in as the "
            "owner";
      else if (s.error().code == ErrorCode::kDenied)
        cure = fmt::format("GRANT SELECT on {} (docs/postgres.md)", framework_->tables);
      add(Severity::kError, s.error().message, cure);
      return false;
    }
    add(Severity::kOk, fmt::format("{}{}, {}: {}", framework_->shown, mark_, look_.spec.what(), told(*s)));
    if (!s->paused.empty())
      add(Severity::kWarning, s->paused, "resume it there: replicas are held meanwhile");
    if (!s->num_ack_pending)
      add(Severity::kWarning,
          fmt::format("{} has no index of jobs in hand, and its table is too large to count them",
                      framework_->shown),
          "nothing to do: docktor takes no worker for idle, and goes to zero only after claim_after without "
          "a backlog");
    return true;
  }

  // A queue's name that nobody has used is no mistake of its own, but most often one of spelling.
  void the_queues() {
    const auto known = texts({.sql = with_schema(framework_->names, *framework_, look_.spec.schema)});
    for (const auto& q : look_.spec.queues) {
      if (known.size() >= 20 || std::ranges::find(known, q) != known.end()) continue;
      add(Severity::kWarning,
          fmt::format("{} knows no queue {} now; {}", framework_->shown, q,
                      known.empty() ? std::string("there is none at all")
                                    : fmt::format("there are: {}", fmt::join(known, ", "))),
          "check the queue's name; one that nobody has used yet is no mistake");
    }
  }

  const PostgresLook& look_;
  const PgFramework* framework_;
  std::vector<Finding> found_;
  std::string place_, database_, mark_;
};

}  // namespace

std::vector<Finding> check_postgres(const PostgresLook& look) { return Check(look).run(); }

}  // namespace docktor
