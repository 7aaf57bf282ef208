#include "queues/postgres/postgres_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "config/queue_keys.h"
#include "config/tls_keys.h"
#include "core/metric.h"
#include "core/text.h"
#include "queues/postgres/framework.h"
#include "queues/postgres/pg_address.h"
#include "queues/postgres/postgres_spec.h"

namespace docktor {

namespace {

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    queue_keys::url("postgres://HOST:PORT/DATABASE, or libpq's host=... dbname=...; host=/run/postgresql is a socket of this "
                    "host. May carry a password, which is never shown."),
    {.key = "framework", .type = KnobType::kText,
     .meaning = "Job framework whose queues are read.", .choices = "river|pg-boss|graphile-worker|oban|solid-queue|procrastinate|pgmq"},
    {.key = "queue", .type = KnobType::kText,
     .meaning = "Name of the framework's queue (graphile-worker: of the task). Without: default of River, Oban and Solid Queue; all queues of "
                "graphile-worker and procrastinate.",
     .least = 1, .most = 255},
    {.key = "queues", .type = KnobType::kList,
     .meaning = "Names of several queues that the replicas work on, in place of queue.", .least = 1, .most = 50},
    {.key = "schema", .type = KnobType::kText,
     .meaning = "Schema with the framework's tables. Without: pgboss, graphile_worker, pgmq; the others by the user's search path.",
     .least = 1, .most = 63},
    {.key = "query", .type = KnobType::kText,
     .meaning = "A query of your own, in place of a framework: one row, figures by the name of their column. backlog "
                "(or the only column); in_hand, oldest_age (seconds), scheduled, dead, consumers; arrived, settled "
                "(totals that only grow).",
     .least = 1, .most = 20'000},
    {.key = "listen", .type = KnobType::kText,
     .meaning = "Channel that is notified of new jobs, so that a service at zero replicas wakes at once; the framework's own "
                "where it has one.",
     .least = 1, .most = 63},
    {.key = "claim_after", .type = KnobType::kDuration,
     .meaning = "How long a job stays with a worker that is gone, until another one gets it. Without: river, oban 1h, "
                "pg-boss 15m, solid-queue 5m, graphile-worker 4h, pgmq 30s, else 60s.",
     .least = 1, .most = 7 * 86400},
    queue_keys::user(),
    queue_keys::password(),
    tls_keys::section("For TLS. Without, sslmode in url decides."),
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile, tls_keys::kFlatVerify,
});
// clang-format on

// libpq takes any text for a port; and a comma in a password, which separates hosts elsewhere.
bool is_address(const std::string& url) {
  auto words = pg_words(url);
  if (!words) return false;
  const auto& password = (*words)["password"];
  const bool comma = url.starts_with("postgres") && password.find(',') != std::string::npos &&
                     url.find(password) != std::string::npos;
  return !comma && (*words)["port"].find_first_not_of("0123456789,") == std::string::npos;
}

// Nothing of the address is repeated: it may hold a password, or what a variable held.
void check_url(KindReader& from) {
  const auto url = from.settings.get<Url>("url").value;
  if (!url.empty() && !is_address(url)) {
    from.mistake(
        "url",
        "url is not the address of a PostgreSQL database; write postgres://HOST:PORT/DATABASE (@ / and , "
        "within a password as %40 %2F %2C), or host=... dbname=...");
  }
  const bool tls = tls_keys::given(from);
  if (tls && url.find("sslmode") != std::string::npos)
    from.mistake("url", "both sslmode in url and keys for TLS are written; write one of them");
  if (tls) from.settings.set("tls", true);
  tls_keys::check_pair(from);
}

// "queue" and "queues" are one thing; what a framework leaves out it fills in.
void check_framework(KindReader& from, const PgFramework& framework) {
  if (from.given("queue") && from.given("queues"))
    from.mistake("queues", "both queue and queues are written; write one of them");
  auto queues = from.settings.get<std::vector<std::string>>("queues");
  if (from.given("queue")) queues = {from.settings.text("queue")};
  if (queues.empty() && !framework.queue.empty()) queues = {std::string(framework.queue)};
  if (queues.empty() && !framework.all_queues)
    from.mistake("framework",
                 fmt::format("{} has no queue that is meant without a name; write queue:", framework.shown));
  if (std::ranges::any_of(queues, [](const std::string& q) { return q.empty(); }))
    from.mistake("queues", "the name of a queue is empty");
  std::ranges::sort(queues);
  queues.erase(std::unique(queues.begin(), queues.end()), queues.end());  // clang 14 has no ranges::unique
  from.settings.set("queues", std::move(queues));
}

// Exactly one way to say what is read, with the keys that belong to it.
void check_what(KindReader& from) {
  const bool query = from.given("query");
  if (query && from.given("framework"))
    return from.mistake("query", "both framework and query are written; write one of them");
  if (!query && !from.given("framework"))
    return from.mistake("url", "which jobs is missing; write framework: and queue:, or query:");
  for (const std::string_view key : {"queue", "queues", "schema"}) {
    if (query && from.given(key))
      from.mistake(key, fmt::format("{} belongs to framework, which is not written", key));
  }
  const auto* framework = pg_framework_named(from.settings.text("framework"));
  if (framework) check_framework(from, *framework);
  if (!from.given("claim_after"))
    from.settings.set("claim_after",
                      Duration(std::chrono::seconds(framework ? framework->claim_seconds : 60)));
  from.settings.erase("queue");
}

void check(KindReader& from) {
  check_url(from);
  check_what(from);
  const auto spec = PostgresSpec::from(from.settings);
  auto words = pg_words(spec.url);
  from.identity = fmt::format("postgres {} {} {} {}", words ? (*words)["dbname"] : "", spec.framework,
                              spec.schema, spec.framework.empty() ? spec.query : spec.what());
  from.shown = fmt::format("{} ({})", redacted_url(spec.url), spec.what());
}

// Whether the query may have such a column: it names it, or takes whatever columns there are.
bool may_tell(std::string query, std::string_view column) {
  std::ranges::transform(query, query.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (std::size_t at = 0; (at = query.find("(*)", at)) != std::string::npos;) query.erase(at, 3);
  return query.find(column) != std::string::npos || query.find('*') != std::string::npos;
}

Untold untold(const Settings& settings) {
  const auto spec = PostgresSpec::from(settings);
  Untold out{.metrics = {Metric::kQueueLag, Metric::kQueueWaiting, Metric::kQueueRedelivered}};
  const auto* f = pg_framework_named(spec.framework);
  if (f) {
    out.why = fmt::format(" with framework: {}", f->name);
    out.metrics.push_back(Metric::kQueueConsumers);
    if (!f->tells_dead()) out.metrics.push_back(Metric::kQueueDead);
    if (!f->oldest_age) out.metrics.push_back(Metric::kQueueOldestAge);
    out.flow = !f->tells_arrivals(spec.queues.empty());
  } else {
    out.why = " with this query";
    const struct {
      std::string_view column;
      Metric metric;
    } columns[] = {{"in_hand", Metric::kQueueAckPending},
                   {"oldest_age", Metric::kQueueOldestAge},
                   {"scheduled", Metric::kQueueScheduled},
                   {"dead", Metric::kQueueDead},
                   {"consumers", Metric::kQueueConsumers}};
    for (const auto& c : columns) {
      if (!may_tell(spec.query, c.column)) out.metrics.push_back(c.metric);
    }
    out.flow = !may_tell(spec.query, "arrived") && !may_tell(spec.query, "settled");
  }
  if (out.flow) {
    for (const auto m : {Metric::kQueueRateIn, Metric::kQueueRateOut}) out.metrics.push_back(m);
  }
  return out;
}

}  // namespace

const KindKeys kPostgresKeys = {
    .name = "postgres",
    .meaning =
        "jobs in PostgreSQL: the queues of River, pg-boss, Graphile Worker, Oban, Solid Queue, "
        "Procrastinate, pgmq, or what a query of your own says",
    .note = "docs/postgres.md tells what docktor reads, and what a user of the database must be allowed.",
    .keys = kTable,
    .check = check,
    .named_by = "queue",
    .untold = untold,
};

}  // namespace docktor
