#include "queues/postgres/framework.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "queues/postgres/pg_connection.h"

namespace docktor {

namespace {

// A table without an index for its jobs in hand is scanned for them while it is no larger: some 10 ms.
constexpr int kSmallBytes = 32 << 20;

// clang-format off: statements, as a person would write them.
constexpr std::array kFrameworks = std::to_array<PgFramework>({
    {.name = "river", .shown = "River", .schema = "", .queue = "default", .claim_seconds = 3600,
     .tables = "river_job river_queue",
     .channel = "$N.river_insert",
     .hole = "River does not tell when the time of a scheduled job comes, nor of jobs that plain SQL inserts",
     .version = "select 'migration ' || max(version) from $Sriver_migration",
     .names = "select name from $Sriver_queue order by 1 limit 20",
     .live = R"(
  select j.*, (select q.paused_at is not null from $Sriver_queue q where q.name = j.queue)
  from (select queue,
          count(*) filter (where state <> 'running' and scheduled_at <= now()),
          count(*) filter (where state = 'running'),
          count(*) filter (where state <> 'running' and scheduled_at > now()),
          count(*) filter (where state in ('available', 'retryable') and scheduled_at > now()),
          extract(epoch from now() - min(scheduled_at) filter (where state <> 'running' and scheduled_at <= now()))
        from $Sriver_job
        where state in ('available', 'running', 'retryable', 'scheduled') and ($1::text[] is null or queue = any($1))
        group by queue) j)",
     .id_queue = "queue",
     .dead = "select queue from $Sriver_job where state = 'discarded' and finalized_at is not null order by finalized_at desc"},

    // Schema 24 is pg-boss 10: a table for each queue, named in partition_name. Since 25 (pg-boss 11) table_name has it, which
    // is one for all queues unless a queue is partitioned. Later ones have jobs that wait for others (blocked), and an index
    // of jobs in hand and of those that failed. A column that a schema does not have is the one of `before`, as names are looked for from within.
    {.name = "pg-boss", .shown = "pg-boss", .schema = "pgboss", .queue = "", .claim_seconds = 900,
     .tables = "job queue",
     .channel = "", .hole = "",
     .version = "select 'schema ' || max(version) || case when max(version) < 25 then ', pg-boss 10' else ', pg-boss 11 or later' end "
                "from $Sversion",
     .names = "select name from $Squeue order by 1 limit 20",
     .live = R"(
  select q.name, w.backlog,
    case when q.indexed or pg_relation_size(q.jobs) < $B
      then (select count(*) from $Sjob j where j.name = q.name and j.state = 'active') end,
    w.scheduled + b.blocked, 0, w.oldest_age, null::boolean,
    case when q.failed_indexed
      then (select count(*) from (select 1 from $Sjob j where j.name = q.name and j.state = 'failed' limit $M) f) end
  from (select null::text as partition_name, null::text as table_name, false as blocked) before
    cross join lateral
      (select name, jobs, index is not null as indexed, coalesce(index like '%''failed''%', false) as failed_indexed
       from (select name, to_regclass(format('%I.%I', '$N', coalesce(table_name, partition_name))) as jobs
             from $Squeue) tables
         cross join lateral
           (select max(pg_get_indexdef(i.indexrelid)) as index from pg_index i where i.indrelid = jobs and i.indisvalid
              and i.indnatts = 4 and i.indpred is not null
              and pg_get_indexdef(i.indexrelid) like '%(name, state, blocked, start_after) WHERE%') indexes) q
    cross join lateral
      (select count(*) filter (where start_after <= now()) as backlog,
         count(*) filter (where start_after > now()) as scheduled,
         extract(epoch from now() - min(greatest(start_after, created_on)) filter (where start_after <= now())) as oldest_age
       from $Sjob j where j.name = q.name and j.state < 'active' and not blocked) w
    cross join lateral
      (select count(*) as blocked from $Sjob j
       where j.name = q.name and j.state in ('created', 'retry') and blocked) b
  where $1::text[] is null or q.name = any($1))",
     .knows_queues = true, .dead_of_each = true},

    // Jobs of a named queue run one at a time: of those that wait one can be taken, none while one is in hand. The others wait for
    // that, as those that are scheduled do.
    {.name = "graphile-worker", .shown = "Graphile Worker", .schema = "graphile_worker", .queue = "", .all_queues = true,
     .claim_seconds = 4 * 3600,
     .tables = "_private_jobs _private_tasks _private_job_queues",
     .channel = "jobs:insert",
     .hole = "Graphile Worker does not tell when the time of a scheduled job comes",
     .version = "select 'migration ' || max(id) from $Smigrations",
     .names = "select identifier from $S_private_tasks order by 1 limit 20",
     .live = R"(
  select t.identifier, coalesce(w.backlog, 0), case when small then coalesce(h.held, 0) end, coalesce(w.scheduled, 0),
    coalesce(w.retries, 0), w.oldest_age, null::boolean, case when small then coalesce(h.dead, 0) end
  from size cross join $S_private_tasks t
    left join (select task_id, taken + lanes as backlog, waiting - taken - lanes + later as scheduled, retries, oldest_age
               from (select task_id, count(*) filter (where run_at <= now()) as waiting,
                       count(*) filter (where run_at <= now() and job_queue_id is null) as taken,
                       count(distinct job_queue_id) filter (where run_at <= now() and q.locked_at is null) as lanes,
                       count(*) filter (where run_at > now()) as later,
                       count(*) filter (where run_at > now() and attempts > 0) as retries,
                       extract(epoch from now() - min(run_at) filter (where run_at <= now() and job_queue_id is null)) as oldest_age
                     from $S_private_jobs j left join $S_private_job_queues q on q.id = j.job_queue_id
                     where j.is_available = true group by task_id) jobs) w on w.task_id = t.id
    left join (select task_id, count(*) filter (where locked_at is not null) as held,
                 count(*) filter (where locked_at is null) as dead
               from $S_private_jobs where not is_available and (select small from size) group by task_id) h on h.task_id = t.id
  where (w.task_id is not null or h.task_id is not null) and ($1::text[] is null or t.identifier = any($1)))",
     .added = "pg_sequence_last_value(pg_get_serial_sequence('$S_private_jobs', 'id')::regclass)", .dead_of_each = true},

    // Jobs of one lock run one at a time, as those of a named queue of Graphile Worker do.
    {.name = "procrastinate", .shown = "Procrastinate", .schema = "", .queue = "", .all_queues = true, .claim_seconds = 60,
     .tables = "procrastinate_jobs",
     .channel = "procrastinate_any_queue_v1",
     .hole = "Procrastinate does not tell when the time of a scheduled job comes",
     .version = "select case when to_regproc('$Sprocrastinate_defer_jobs_v1') is null then 'before 3' else '3 or later' end",
     .names = "select distinct queue_name from $Sprocrastinate_jobs where status in ('todo', 'doing') order by 1 limit 20",
     .live = R"(
  select queue_name, taken + lanes, doing, waiting - taken - lanes + later, retries, null::numeric, null::boolean
  from (select queue_name,
          count(*) filter (where status = 'todo' and (scheduled_at is null or scheduled_at <= now())) as waiting,
          count(*) filter (where status = 'todo' and (scheduled_at is null or scheduled_at <= now()) and lock is null) as taken,
          count(distinct lock) filter (where status = 'doing' or scheduled_at is null or scheduled_at <= now())
            - count(distinct lock) filter (where status = 'doing') as lanes,
          count(*) filter (where status = 'doing') as doing,
          count(*) filter (where status = 'todo' and scheduled_at > now()) as later,
          count(*) filter (where status = 'todo' and scheduled_at > now() and attempts > 0) as retries
        from $Sprocrastinate_jobs
        where status in ('todo', 'doing') and ($1::text[] is null or queue_name = any($1))
        group by queue_name) jobs)",
     .id_queue = "queue_name", .oldest_age = false},

    {.name = "oban", .shown = "Oban", .schema = "", .queue = "default", .claim_seconds = 3600,
     .tables = "oban_jobs",
     .channel = "$N.oban_insert",
     .hole = "Oban does not tell when the time of a scheduled job comes, nor of jobs that plain SQL inserts",
     .version = "select 'migration ' || obj_description(to_regclass('$Soban_jobs'), 'pg_class')",
     .names = "select distinct queue from $Soban_jobs where state in ('available', 'executing', 'scheduled', 'retryable') order by 1 limit 20",
     .live = R"(
  select queue,
    count(*) filter (where state <> 'executing' and scheduled_at <= timezone('UTC', now())),
    count(*) filter (where state = 'executing'),
    count(*) filter (where state <> 'executing' and scheduled_at > timezone('UTC', now())),
    count(*) filter (where state = 'retryable' and scheduled_at > timezone('UTC', now())),
    extract(epoch from timezone('UTC', now()) -
      min(scheduled_at) filter (where state <> 'executing' and scheduled_at <= timezone('UTC', now()))),
    null::boolean
  from $Soban_jobs
  where state in ('available', 'executing', 'scheduled', 'retryable') and ($1::text[] is null or queue = any($1))
  group by queue)",
     .id_queue = "queue",
     .dead = "select queue from $Soban_jobs where state = 'discarded' and ($1::text[] is null or queue = any($1))"},

    // A job lies in one of these tables besides its own, as its state is; times are UTC without a zone.
    {.name = "solid-queue", .shown = "Solid Queue", .schema = "", .queue = "default", .claim_seconds = 300,
     .tables = "solid_queue_jobs solid_queue_ready_executions solid_queue_scheduled_executions solid_queue_blocked_executions "
               "solid_queue_claimed_executions solid_queue_failed_executions solid_queue_pauses",
     .channel = "", .hole = "",
     .version = "select null::text",
     // From one queue to the next by the index of jobs, however many there are.
     .names = "with recursive q (name) as ((select queue_name from $Ssolid_queue_jobs order by 1 limit 1) union all "
              "select (select j.queue_name from $Ssolid_queue_jobs j where j.queue_name > q.name order by 1 limit 1) from q where q.name is not null) "
              "select name from q where name is not null limit 20",
     .live = R"(
  select queue, sum(ready), sum(held), sum(later), 0, extract(epoch from timezone('UTC', now()) - min(since)),
    exists (select 1 from $Ssolid_queue_pauses p where p.queue_name = queue)
  from (
    select queue_name as queue, count(*) as ready, 0 as held, 0 as later, min(created_at) as since
      from $Ssolid_queue_ready_executions where $1::text[] is null or queue_name = any($1) group by queue_name
    union all
    select queue_name, count(*) filter (where scheduled_at <= timezone('UTC', now())), 0,
        count(*) filter (where scheduled_at > timezone('UTC', now())),
        min(scheduled_at) filter (where scheduled_at <= timezone('UTC', now()))
      from $Ssolid_queue_scheduled_executions where $1::text[] is null or queue_name = any($1) group by queue_name
    union all
    select queue_name, 0, 0, count(*), null
      from $Ssolid_queue_blocked_executions where $1::text[] is null or queue_name = any($1) group by queue_name
    union all
    select queue_name, 0, count(*), 0, null
      from (select (select j.queue_name from $Ssolid_queue_jobs j where j.id = c.job_id) as queue_name
            from $Ssolid_queue_claimed_executions c) claimed
      where queue_name is not null and ($1::text[] is null or queue_name = any($1)) group by queue_name) jobs
  group by queue)",
     .id_queue = "queue_name",
     .dead = "select (select j.queue_name from $Ssolid_queue_jobs j where j.id = f.job_id) as queue "
             "from (select job_id from $Ssolid_queue_failed_executions order by id desc limit $M) f"},

    // A table for each queue, so that its statement is one within the statement. What was deleted or archived is in it no
    // more; a message that was read is invisible until its time (vt) is over, one that was never read and is invisible waits
    // for its own. Of a sequence that this user may not read nothing is told.
    {.name = "pgmq", .shown = "pgmq", .schema = "pgmq", .queue = "", .claim_seconds = 30,
     .tables = "meta",
     .channel = "$N.q_$Q.INSERT",
     .hole = "pgmq tells of new messages only where enable_notify_insert was called for the queue, and never when the time of a "
             "message comes",
     .version = "select coalesce((select 'extension ' || extversion from pg_extension where extname = 'pgmq'), 'by plain SQL')",
     .names = "select queue_name from $Smeta order by 1 limit 20",
     .live = R"(
  select m.queue_name, f.backlog, f.in_hand, f.scheduled, 0, f.oldest_age, null::boolean, f.added
  from $Smeta m cross join lateral xmltable('/row' passing query_to_xml(format($q$
      select count(*) filter (where vt <= now()) as backlog,
        count(*) filter (where vt > now() and read_ct > 0) as in_hand,
        count(*) filter (where vt > now() and read_ct = 0) as scheduled,
        extract(epoch from now() - min(case when read_ct = 0 then greatest(enqueued_at, vt) else enqueued_at end)
          filter (where vt <= now())) as oldest_age,
        (select case when has_sequence_privilege(s, 'select') then coalesce(pg_sequence_last_value(s::regclass), 0) end
         from pg_get_serial_sequence(%2$L, 'msg_id') s) as added
      from %1$s$q$, format('%I.%I', '$N', 'q_' || lower(m.queue_name)), format('%I.%I', '$N', 'q_' || lower(m.queue_name))),
      false, true, '')
    columns backlog bigint, in_hand bigint, scheduled bigint, oldest_age numeric, added bigint) f
  where $1::text[] is null or m.queue_name = any($1))",
     .knows_queues = true, .added_of_each = true},
});
// clang-format on

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

std::string doubled(std::string_view text, char quote) {
  std::string out;
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out;
}

}  // namespace

std::span<const PgFramework> pg_frameworks() { return kFrameworks; }

const PgFramework* pg_framework_named(std::string_view name) {
  const auto* found = std::ranges::find(kFrameworks, name, &PgFramework::name);
  return found == kFrameworks.end() ? nullptr : found;
}

std::string pg_identifier(std::string_view name) { return '"' + doubled(name, '"') + '"'; }

std::string with_schema(std::string_view text, const PgFramework& framework, const std::string& schema) {
  const std::string name = schema.empty() ? std::string(framework.schema) : schema;
  const auto before = name.empty() ? std::string() : pg_identifier(name) + ".";
  std::string out(text);
  // Within a text of SQL, '$Stable', the quotes that end it are doubled.
  replace_all(out, "'$S", "'" + doubled(before, '\''));
  replace_all(out, "$S", before);
  replace_all(out, "'$N'", "'" + doubled(name, '\'') + "'");
  replace_all(out, "$N", name);
  replace_all(out, "$B", std::to_string(kSmallBytes));
  replace_all(out, "$M", std::to_string(kMostDead));
  return out;
}

namespace {

// Of its own table, or of the latest ids: what is told of all queues at once.
std::string select_counted_ids(const PgFramework& f) {
  const bool dead = !f.dead.empty();
  std::string sql = fmt::format(
      ",\nnews as (select {0} as queue, count(*) as added, count(*) filter (where id > $3) as added_late\n"
      "  from $S{1} where id > $2 and ($1::text[] is null or {0} = any($1)) group by {0})\n",
      f.id_queue, f.table());
  if (dead) {
    sql += fmt::format(
        ", fallen as (select queue, count(*) as dead from ({} limit $M) d\n"
        "  where queue is not null and ($1::text[] is null or queue = any($1)) group by queue)\n",
        f.dead);
  }
  return sql +
         fmt::format(
             "select queue, coalesce(backlog, 0) as backlog, coalesce(in_hand, 0) as in_hand,\n"
             "  coalesce(scheduled, 0) as scheduled, coalesce(retries, 0) as retries, oldest_age, paused, "
             "coalesce(added, 0) as added,\n"
             "  {1}coalesce(added_late, 0) as added_late, null::bigint as newest\n"
             "from live full join news using (queue){2}\n"
             "union all select null, 0, 0, 0, 0, null, null, 0, {3}0, (select max(id) from $S{0})",
             f.table(), dead ? "coalesce(dead, 0) as dead, " : "",
             dead ? " full join fallen using (queue)" : "", dead ? "0, " : "");
}

std::string select_totals(const PgFramework& f, std::string_view row, bool sized) {
  const std::string_view none = sized ? "case when (select small from size) then 0 end" : "0";
  std::string sql = fmt::format("\nselect {}, {} as added{} from live", row,
                                f.added_of_each ? "added" : "null::bigint", f.dead_of_each ? ", dead" : "");
  if (!f.knows_queues)
    sql += fmt::format("\nunion all select null, 0, {}, 0, 0, null, null, {}{}", none, f.added,
                       f.dead_of_each ? fmt::format(", {}", none) : "");
  return sql + "\n";
}

}  // namespace

std::string pg_statement(const PgFramework& f, const std::string& schema) {
  static constexpr std::string_view kRow = "queue, backlog, in_hand, scheduled, retries, oldest_age, paused";
  const bool ids = !f.id_queue.empty();
  const bool sized = f.live.find("from size") != std::string_view::npos;
  std::string sql = "with ";
  if (sized) sql += fmt::format("size as (select pg_relation_size('$S{}') < $B as small),\n", f.table());
  sql += fmt::format("live ({}{}{}) as ({}\n)", kRow, f.added_of_each ? ", added" : "",
                     f.dead_of_each ? ", dead" : "", f.live);
  if (ids) {
    sql += select_counted_ids(f);
  } else {
    // Of no use here, and there all the same: a statement's parameters have a number.
    sql = fmt::format("select * from ({}) figures where $2::bigint is not null and $3::bigint is not null",
                      sql + select_totals(f, kRow, sized));
  }
  return with_schema(sql + fmt::format(" limit {}", PgConnection::kMaxRows + 1), f, schema);
}

}  // namespace docktor
