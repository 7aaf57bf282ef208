#include "queues/redis/redis_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "config/queue_keys.h"
#include "config/tls_keys.h"
#include "core/metric.h"
#include "core/text.h"
#include "queues/redis/job_layouts.h"
#include "queues/redis/redis_address.h"
#include "queues/redis/redis_spec.h"

namespace docktor {

namespace {

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    queue_keys::url("redis://HOST:PORT/DB, rediss:// for TLS, unix:///PATH for a socket; may carry user:password@ (an @ "
                    "within as %40), which is never shown. Several, with commas between, are servers of one cluster, or the sentinels."),
    {.key = "stream", .type = KnobType::kText,
     .meaning = "Key of a stream, with group.", .least = 1, .most = 1024},
    {.key = "group", .type = KnobType::kText,
     .meaning = "Consumer group that the replicas read the stream with.", .least = 1, .most = 1024},
    {.key = "list", .type = KnobType::kText,
     .meaning = "Key of a list (or a set, a sorted set) of the workers' own, in place of a stream.", .least = 1, .most = 1024},
    {.key = "in_flight_list", .type = KnobType::kText,
     .meaning = "Key where the workers keep what they have in hand, beside list.", .least = 1, .most = 1024},
    {.key = "framework", .type = KnobType::kText,
     .meaning = "Job framework whose queues are read, in place of a stream.", .choices = "celery|rq|sidekiq|bullmq|laravel"},
    {.key = "queue", .type = KnobType::kText,
     .meaning = "Name of the framework's queue; the framework's own default where it has one.", .least = 1, .most = 255},
    {.key = "queues", .type = KnobType::kList,
     .meaning = "Names of several queues that the replicas work on, in place of queue.", .least = 1, .most = 50},
    {.key = "key_prefix", .type = KnobType::kText,
     .meaning = "What stands before every key: Celery's global_keyprefix, a Sidekiq namespace (\"app:\"), Laravel's "
                "\"laravel_database_\", BullMQ's prefix in place of bull.",
     .least = 0, .most = 255},
    {.key = "claim_after", .type = KnobType::kDuration,
     .meaning = "How long work stays with a worker that is gone, until another one gets it: the least idle time of your "
                "XAUTOCLAIM, Celery's visibility_timeout, Laravel's retry_after. Without: 60s; celery 1h, laravel 90s, "
                "bullmq 30s.",
     .least = 1, .most = 7 * 86400},
    {.key = "acks_late", .type = KnobType::kBool,
     .meaning = "Of celery: tasks are acknowledged when they are done (acks_late there, too), so that docktor sees those in "
                "hand.",
     .standard = "false"},
    {.key = "priority_separator", .type = KnobType::kText,
     .meaning = "Of celery: what stands between a queue's name and a priority, sep in its broker_transport_options. Leave it out "
                "where Celery's configuration has none.",
     .least = 1, .most = 16},
    queue_keys::user("User name (ACL)."),
    queue_keys::password("Password, of the user or of the server."),
    tls_keys::section("For TLS, with a rediss:// address."),
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile, tls_keys::kFlatVerify,
    {.key = "sentinel", .type = KnobType::kText,
     .meaning = "Name of the master, where url has the addresses of sentinels.", .least = 0, .most = 255},
});
// clang-format on

// Nothing of the address is repeated where it may hold a password, or what a variable held.
void check_url(KindReader& from) {
  const auto url = from.settings.get<Url>("url").value;
  if (url.empty()) return;
  const auto addresses = parse_redis_url(url);
  if (!addresses) {
    const bool plain =
        url.find('@') == std::string::npos && from.quoted("url").find('@') == std::string::npos;
    return from.mistake(
        "url", fmt::format("url {}{}", plain ? from.quoted("url") + " " : "", addresses.error().message));
  }
  if (addresses->size() > 1 && !from.given("sentinel") && addresses->front().db != 0)
    from.mistake("url",
                 "url has several addresses, as for a cluster, and the number of a database; a cluster has "
                 "only database 0: "
                 "take the number out, or write one address");
  tls_keys::check(from, addresses->front().tls, "rediss");
  if (from.given("user") && !from.given("password"))
    from.mistake("user", "a user without a password; write password: or password_file: too");
}

// "queue" and "queues" are one thing; what a framework leaves out it fills in.
void check_framework(KindReader& from, const FrameworkInfo& framework) {
  if (from.given("queue") && from.given("queues"))
    from.mistake("queues", "both queue and queues are written; write one of them");
  auto queues = from.settings.get<std::vector<std::string>>("queues");
  if (from.given("queue")) queues = {from.settings.text("queue")};
  if (queues.empty() && *framework.standard != '\0') queues = {framework.standard};
  if (queues.empty())
    from.mistake("framework",
                 fmt::format("{} has no queue that is meant without a name; write queue:", framework.shown));
  if (std::ranges::any_of(queues, [](const std::string& q) { return q.empty(); }))
    from.mistake("queues", "the name of a queue is empty");
  from.settings.set("queues", std::move(queues));
  if (from.given("key_prefix") && from.settings.text("framework") == "rq")
    from.mistake("key_prefix", "RQ has no prefix of its keys; leave key_prefix out");
  if (!from.given("key_prefix") && *framework.prefix != '\0')
    from.settings.set("key_prefix", std::string(framework.prefix));
  for (const char* key : {"acks_late", "priority_separator"}) {
    if (from.given(key) && from.settings.text("framework") != "celery")
      from.mistake(key, fmt::format("{} is Celery's; leave it out", key));
  }
}

// Exactly one way to say what is read, with the keys that belong to it.
void check_what(KindReader& from) {
  static constexpr std::string_view kWays[] = {"stream", "list", "framework"};
  std::string_view way;
  for (const auto key : kWays) {
    if (!from.given(key)) continue;
    if (!way.empty())
      from.mistake(key, fmt::format("both {} and {} are written; write one of them", way, key));
    way = key;
  }
  if (way.empty()) {
    from.mistake("url",
                 "which queue is missing; write stream: and group:, or framework: and queue:, or list:");
    return;
  }
  struct Belongs {
    std::string_view key, to;
  };
  for (const auto& [key, to] :
       {Belongs{"group", "stream"}, Belongs{"in_flight_list", "list"}, Belongs{"queue", "framework"},
        Belongs{"queues", "framework"}, Belongs{"acks_late", "framework"},
        Belongs{"priority_separator", "framework"}}) {
    if (from.given(key) && way != to)
      from.mistake(key, fmt::format("{} belongs to {}, which is not written", key, to));
  }
  if (way == "stream" && !from.given("group"))
    from.mistake("stream", "a stream without a group; write group: with the consumer group of the workers");
  const auto* framework = framework_named(from.settings.text("framework"));
  if (framework) check_framework(from, *framework);
  if (!from.given("claim_after"))
    from.settings.set("claim_after",
                      Duration(std::chrono::seconds(framework ? framework->redelivered_seconds : 60)));
  from.settings.erase("queue");
}

void check(KindReader& from) {
  check_url(from);
  check_what(from);
  const auto spec = RedisSpec::from(from.settings);
  const auto addresses = parse_redis_url(spec.url);
  from.identity = fmt::format("redis {} {} {}{}", addresses ? addresses->front().db : 0, spec.framework,
                              spec.key_prefix, spec.what());
  from.shown = fmt::format("{} ({})", redacted_url(spec.url), spec.what());
}

Untold untold(const Settings& settings) {
  const auto spec = RedisSpec::from(settings);
  const auto& f = spec.framework;
  Untold out{.metrics = {Metric::kQueueLag, Metric::kQueueWaiting, Metric::kQueueRedelivered}};
  const auto add = [&](std::initializer_list<Metric> metrics) {
    out.metrics.insert(out.metrics.end(), metrics);
  };
  if (f.empty() || f == "celery") add({Metric::kQueueDead, Metric::kQueueScheduled});
  if (f == "laravel") add({Metric::kQueueDead});
  if (spec.stream.empty()) add({Metric::kQueueOldestAge});
  if (!spec.list.empty() || f == "celery" || f == "laravel" || f == "bullmq") add({Metric::kQueueConsumers});
  out.flow = spec.stream.empty() && f != "bullmq";
  if (out.flow) add({Metric::kQueueRateIn, Metric::kQueueRateOut});
  out.why =
      f.empty() ? spec.list.empty() ? " of a stream" : " of a list" : fmt::format(" with framework: {}", f);
  if (!spec.list.empty() && spec.in_flight_list.empty()) {
    add({Metric::kQueueAckPending});
    out.why = " of a list without in_flight_list (where workers move a job to while they work on it)";
  } else if (f == "celery" && !spec.acks_late) {
    add({Metric::kQueueAckPending});
    out.why += " without acks_late";
  }
  return out;
}

}  // namespace

const KindKeys kRedisKeys = {
    .name = "redis",
    .meaning =
        "a queue in Redis: a stream with a consumer group, a list, or the queues of Celery, RQ, Sidekiq, "
        "BullMQ, Laravel",
    .note = "docs/redis.md tells what docktor reads, and what a user of the server must be allowed.",
    .keys = kTable,
    .check = check,
    .named_by = "queue|list|stream",
    .untold = untold,
};

}  // namespace docktor
