// The frameworks' tables with their indexes, as their own migrations leave them; columns that nothing here needs are left
// out. tests/postgres/frameworks_test.cc reads what the frameworks themselves make.
#pragma once

namespace docktor::test {

// rivermigrate/migration/main, 001 to 006.
inline constexpr const char* kRiverTables = R"(
create type river_job_state as enum ('available','cancelled','completed','discarded','pending','retryable','running','scheduled');
create table river_migration (line text, version bigint, primary key (line, version));
insert into river_migration values ('main', 6);
create table river_job (id bigserial, state river_job_state not null default 'available', attempt smallint not null default 0,
  max_attempts smallint not null default 25, attempted_at timestamptz, created_at timestamptz not null default now(),
  finalized_at timestamptz, scheduled_at timestamptz not null default now(), priority smallint not null default 1,
  args jsonb not null default '{}', kind text not null default 'k', queue text not null default 'default');
create table river_queue (name text primary key, created_at timestamptz not null default now(), paused_at timestamptz,
  updated_at timestamptz not null default now());
)";
inline constexpr const char* kRiverIndexes = R"(
alter table river_job add primary key (id);
create index river_job_kind on river_job (kind);
create index river_job_state_and_finalized_at_index on river_job (state, finalized_at) where finalized_at is not null;
create index river_job_prioritized_fetching_index on river_job (state, queue, priority, scheduled_at, id);
)";

// pg-boss 10.4, schema 24; pgboss_queue('mail') makes a queue as its create_queue() does.
inline constexpr const char* kPgBossTables = R"(
create schema pgboss;
create type pgboss.job_state as enum ('created','retry','active','completed','cancelled','failed');
create table pgboss.version (version int primary key);
insert into pgboss.version values (24);
create table pgboss.queue (name text primary key, policy text, partition_name text);
create table pgboss.job (id uuid not null default gen_random_uuid(), name text not null, priority int not null default 0, data jsonb,
  state pgboss.job_state not null default 'created', start_after timestamptz not null default now(), started_on timestamptz,
  singleton_key text, created_on timestamptz not null default now(), completed_on timestamptz, policy text) partition by list (name);
create function pgboss_queue(queue text) returns void language plpgsql as $$
declare p text := 'j' || encode(sha224(queue::bytea), 'hex');
begin
  insert into pgboss.queue values (queue, 'standard', p);
  execute format('create table pgboss.%I partition of pgboss.job for values in (%L)', p, queue);
end $$;
create function pgboss_indexes(queue text) returns void language plpgsql as $$
declare p text := 'j' || encode(sha224(queue::bytea), 'hex');
begin
  execute format('alter table pgboss.%I add primary key (name, id)', p);
  execute format('create unique index on pgboss.%I (name, coalesce(singleton_key, '''')) where state = ''created'' and policy = ''short''', p);
  execute format('create unique index on pgboss.%I (name, coalesce(singleton_key, '''')) where state = ''active'' and policy = ''singleton''', p);
  execute format('create index on pgboss.%I (name, start_after) include (priority, created_on, id) where state < ''active''', p);
end $$;
)";

// pg-boss 12.38, schema 46: queues share a table, unless pgboss_queue('mail', true) gives one its own.
inline constexpr const char* kPgBoss12Tables = R"(
create schema pgboss;
create type pgboss.job_state as enum ('created','retry','active','completed','cancelled','failed');
create table pgboss.version (version int primary key);
insert into pgboss.version values (46);
create table pgboss.queue (name text primary key, policy text not null, partition bool not null, table_name text not null);
create table pgboss.job (id uuid not null default gen_random_uuid(), name text not null, priority int not null default 0, data jsonb,
  state pgboss.job_state not null default 'created', start_after timestamptz not null default now(), started_on timestamptz,
  singleton_key text, created_on timestamptz not null default now(), completed_on timestamptz, policy text,
  blocked boolean not null default false) partition by list (name);
create table pgboss.job_common (like pgboss.job including generated including defaults);
alter table pgboss.job attach partition pgboss.job_common default;
create function pgboss_queue(queue text, apart bool default false) returns void language plpgsql as $$
declare p text := case when apart then 'j' || encode(sha224(queue::bytea), 'hex') else 'job_common' end;
begin
  insert into pgboss.queue values (queue, 'standard', apart, p);
  if apart then execute format('create table pgboss.%I partition of pgboss.job for values in (%L)', p, queue); end if;
end $$;
)";
inline constexpr const char* kPgBoss12Indexes = R"(
alter table pgboss.job_common add primary key (name, id);
create unique index job_common_i2 on pgboss.job_common (name, coalesce(singleton_key, '')) where state = 'active' and policy = 'singleton';
create unique index job_common_i3 on pgboss.job_common (name, state, coalesce(singleton_key, '')) where state <= 'active' and policy = 'stately';
create index job_common_i11 on pgboss.job_common (name, priority desc, created_on, start_after) where state < 'active' and not blocked;
create index job_common_i14 on pgboss.job_common (name, state, blocked, start_after) where state in ('created', 'retry', 'active', 'failed');
create index job_common_i15 on pgboss.job_common (name, created_on);
create index job_common_i16 on pgboss.job_common (name, completed_on) where completed_on is not null;
)";

// pgmq 1.13; pgmq_queue('mail') makes a queue as its create_non_partitioned() does.
inline constexpr const char* kPgmqTables = R"(
create schema pgmq;
create table pgmq.meta (queue_name varchar unique not null, is_partitioned boolean not null, is_unlogged boolean not null,
  created_at timestamptz not null default now());
create function pgmq_queue(queue text) returns void language plpgsql as $$
begin
  execute format('create table pgmq.%I (msg_id bigint primary key generated always as identity, read_ct int not null default 0,
    enqueued_at timestamptz not null default now(), last_read_at timestamptz, vt timestamptz not null, message jsonb, headers jsonb)',
    lower('q_' || queue));
  execute format('create table pgmq.%I (msg_id bigint primary key, read_ct int not null default 0, enqueued_at timestamptz not null default now(),
    last_read_at timestamptz, archived_at timestamptz not null default now(), vt timestamptz not null, message jsonb, headers jsonb)',
    lower('a_' || queue));
  execute format('create index on pgmq.%I (vt)', lower('q_' || queue));
  execute format('create index on pgmq.%I (archived_at)', lower('a_' || queue));
  insert into pgmq.meta values (queue, false, false);
end $$;
)";

// graphile-worker 0.17, migration 19.
inline constexpr const char* kGraphileTables = R"(
create schema graphile_worker;
create table graphile_worker.migrations (id int primary key);
insert into graphile_worker.migrations values (19);
create table graphile_worker._private_tasks (id int primary key generated always as identity, identifier text not null unique);
create table graphile_worker._private_job_queues (id int primary key generated always as identity, queue_name text not null unique,
  locked_at timestamptz, locked_by text, is_available boolean generated always as (locked_at is null) stored not null);
create table graphile_worker._private_jobs (id bigint generated always as identity, job_queue_id int, task_id int not null,
  priority smallint not null default 0, run_at timestamptz not null default now(), attempts smallint not null default 0,
  max_attempts smallint not null default 25, created_at timestamptz not null default now(), locked_at timestamptz, locked_by text,
  is_available boolean generated always as (locked_at is null and attempts < max_attempts) stored not null);
alter table graphile_worker._private_jobs enable row level security;
alter table graphile_worker._private_tasks enable row level security;
alter table graphile_worker._private_job_queues enable row level security;
)";
inline constexpr const char* kGraphileIndexes = R"(
alter table graphile_worker._private_jobs add primary key (id);
create index jobs_main_index on graphile_worker._private_jobs (priority, run_at) include (id, task_id, job_queue_id)
  where (is_available = true);
create index jobs_no_queue_index on graphile_worker._private_jobs (priority, run_at) include (id, task_id)
  where (is_available = true and job_queue_id is null);
)";

// procrastinate/sql/schema.sql of 3.10.
inline constexpr const char* kProcrastinateTables = R"(
create type procrastinate_job_status as enum ('todo','doing','succeeded','failed','cancelled','aborting','aborted');
create table procrastinate_jobs (id bigserial, queue_name varchar(128) not null default 'default', task_name varchar(128) not null default 't',
  priority int not null default 0, lock text, args jsonb not null default '{}', status procrastinate_job_status not null default 'todo',
  scheduled_at timestamptz, attempts int not null default 0, worker_id bigint);
)";
inline constexpr const char* kProcrastinateIndexes = R"(
alter table procrastinate_jobs add primary key (id);
create unique index procrastinate_jobs_lock_idx_v1 on procrastinate_jobs (lock) where status = 'doing';
create index idx_procrastinate_jobs_worker_not_null on procrastinate_jobs (worker_id) where worker_id is not null and status = 'doing';
create index procrastinate_jobs_queue_name_idx_v1 on procrastinate_jobs (queue_name);
create index procrastinate_jobs_id_lock_idx_v1 on procrastinate_jobs (id, lock) where status = any (array['todo'::procrastinate_job_status, 'doing'::procrastinate_job_status]);
create index procrastinate_jobs_priority_idx_v1 on procrastinate_jobs (priority desc, id asc) where status = 'todo';
)";

// Oban.Migrations.Postgres, V15 (Oban 2.23).
inline constexpr const char* kObanTables = R"(
create type oban_job_state as enum ('available','suspended','scheduled','executing','retryable','completed','discarded','cancelled');
create table oban_jobs (id bigserial, state oban_job_state not null default 'available', queue text not null default 'default',
  worker text not null default 'w', args jsonb not null default '{}', errors jsonb[] not null default '{}', attempt int not null default 0,
  max_attempts int not null default 20, inserted_at timestamp not null default timezone('UTC', now()),
  scheduled_at timestamp not null default timezone('UTC', now()), attempted_at timestamp, completed_at timestamp, attempted_by text[],
  discarded_at timestamp, priority int not null default 0, tags text[] default '{}', meta jsonb default '{}', cancelled_at timestamp,
  constraint attempt_range check (attempt between 0 and max_attempts), constraint positive_max_attempts check (max_attempts > 0));
comment on table oban_jobs is '15';
)";
inline constexpr const char* kObanIndexes = R"(
alter table oban_jobs add primary key (id);
create index oban_jobs_state_queue_priority_scheduled_at_id_index on oban_jobs (state, queue, priority, scheduled_at, id);
create index oban_jobs_state_cancelled_at_index on oban_jobs (state, cancelled_at);
create index oban_jobs_state_discarded_at_index on oban_jobs (state, discarded_at);
create index oban_jobs_staging_idx on oban_jobs (scheduled_at, id) where state in ('scheduled', 'retryable');
)";

// Solid Queue 1.5, db/queue_schema.rb.
inline constexpr const char* kSolidQueueTables = R"(
create table solid_queue_jobs (id bigserial, queue_name varchar not null default 'default', class_name varchar not null default 'c', priority int not null default 0,
  scheduled_at timestamp(6), finished_at timestamp(6), created_at timestamp(6) not null default timezone('UTC', now()));
create table solid_queue_ready_executions (id bigserial primary key, job_id bigint not null unique, queue_name varchar not null default 'default',
  priority int not null default 0, created_at timestamp(6) not null default timezone('UTC', now()));
create table solid_queue_scheduled_executions (id bigserial primary key, job_id bigint not null unique, queue_name varchar not null default 'default',
  priority int not null default 0, scheduled_at timestamp(6) not null, created_at timestamp(6) not null default timezone('UTC', now()));
create table solid_queue_blocked_executions (id bigserial primary key, job_id bigint not null unique, queue_name varchar not null default 'default');
create table solid_queue_claimed_executions (id bigserial primary key, job_id bigint not null unique, process_id bigint,
  created_at timestamp(6) not null default timezone('UTC', now()));
create table solid_queue_failed_executions (id bigserial primary key, job_id bigint not null unique, error text,
  created_at timestamp(6) not null default timezone('UTC', now()));
create table solid_queue_pauses (id bigserial primary key, queue_name varchar not null unique);
create index index_solid_queue_poll_all on solid_queue_ready_executions (priority, job_id);
create index index_solid_queue_poll_by_queue on solid_queue_ready_executions (queue_name, priority, job_id);
create index index_solid_queue_dispatch_all on solid_queue_scheduled_executions (scheduled_at, priority, job_id);
create index index_solid_queue_claimed_executions_on_process_id_and_job_id on solid_queue_claimed_executions (process_id, job_id);
)";
inline constexpr const char* kSolidQueueIndexes = R"(
alter table solid_queue_jobs add primary key (id);
create index index_solid_queue_jobs_on_class_name on solid_queue_jobs (class_name);
create index index_solid_queue_jobs_on_finished_at on solid_queue_jobs (finished_at);
create index index_solid_queue_jobs_for_filtering on solid_queue_jobs (queue_name, finished_at);
create index index_solid_queue_jobs_for_alerting on solid_queue_jobs (scheduled_at, finished_at);
)";

}  // namespace docktor::test
