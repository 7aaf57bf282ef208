#include "queues/prometheus/prometheus_keys.h"

#include <fmt/format.h>

#include <array>

#include "config/queue_keys.h"
#include "config/tls_keys.h"
#include "core/text.h"
#include "queues/over_http/asker.h"
#include "queues/prometheus/prometheus_spec.h"

namespace docktor {

namespace {

constexpr double kMaxQuery = 16384;
constexpr double kDay = 86400;

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr Knob query(std::string_view key, std::string_view meaning) {
  return {.key = key, .type = KnobType::kText, .meaning = meaning, .least = 1, .most = kMaxQuery};
}

constexpr std::array kTable = std::to_array<Knob>({
    queue_keys::url("Server, http://host:9090, with what stands before /api/v1 where it is not at the root; may carry "
                    "user:password@, which is never shown."),
    {.key = "query", .type = KnobType::kText,
     .meaning = "PromQL that gives one number: messages that wait.", .least = 1, .most = kMaxQuery, .required = true},
    query("in_flight", "PromQL: messages that workers have in hand."),
    query("arrivals", "PromQL: counter of all messages that came, without rate(); of several series, sum(last_over_time(jobs_total[5m]))."),
    query("settled", "PromQL: counter of all messages that were finished, without rate(); of several series as arrivals."),
    query("rate_in", "PromQL: messages that come, per second, in place of arrivals."),
    query("rate_out", "PromQL: messages finished, per second, in place of settled."),
    query("oldest_age", "PromQL: age of the oldest message that waits, in seconds."),
    query("scheduled", "PromQL: messages whose time has not come; they are no backlog."),
    query("consumers", "PromQL: workers that the queue knows of."),
    query("dead", "PromQL: messages that were given up."),
    {.key = "empty", .type = KnobType::kText,
     .meaning = "0: a query that finds nothing means 0 messages, of every figure but counters and oldest_age. Without: no "
                "data, and nothing is scaled down.",
     .choices = "0"},
    {.key = "scrape_interval", .type = KnobType::kDuration,
     .meaning = "How often Prometheus scrapes these figures (its scrape_interval): they move no more often.",
     .standard = "15s", .least = 0.1, .most = kDay},
    {.key = "max_age", .type = KnobType::kDuration,
     .meaning = "An older value is no data, where a query is one selector (of an expression Prometheus tells no age). "
                "Without: 2m, or four times scrape_interval.",
     .least = 0.1, .most = kDay},
    {.key = "claim_after", .type = KnobType::kDuration,
     .meaning = "How long work stays with a worker that is gone, until another one gets it.", .standard = "60s", .least = 1,
     .most = 7 * kDay},
    http_keys::kUser, queue_keys::password(), http_keys::kToken, http_keys::kTokenFile, http_keys::kHeaders,
    tls_keys::section("For TLS, with an https:// address."),
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile, tls_keys::kFlatVerify,
});
// clang-format on

void check(KindReader& from) {
  if (!check_login(from)) return;
  check_figures(from);
  const auto spec = PrometheusSpec::from(from.settings);
  if (spec.login.url.path.find('?') != std::string::npos)
    from.mistake("url", "url has a ? in it; write the server's address, and what is asked in query");
  else if (spec.prefix.ends_with("/api/v1") || spec.prefix.ends_with("/query"))
    from.mistake("url", "url ends in what docktor adds itself; leave /api/v1 and what follows out");
  const auto query = from.settings.text("query");
  from.identity = fmt::format("prometheus {}", query);
  from.shown = fmt::format("{} ({})", spec.login.shown(), excerpt(query));
}

Untold untold(const Settings& settings) {
  return untold_figures(figure_texts(settings, "query"), " without a query for it");
}

}  // namespace

const KindKeys kPrometheusKeys = {
    .name = "prometheus",
    .meaning = "figures by queries of a Prometheus server, or of one that speaks like it",
    .note = "One query for each figure; each gives one number. See docs/prometheus.md.",
    .keys = kTable,
    .check = check,
    .untold = untold,
};

}  // namespace docktor
