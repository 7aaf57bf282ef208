#include "queues/redis/redis_keys.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "core/metric.h"
#include "core/text.h"
#include "queues/redis/redis_address.h"
#include "queues/redis/redis_spec.h"

namespace docktor {

namespace {

constexpr double kMaxText = 4096;

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTls = std::to_array<Knob>({
    {.key = "ca_file", .type = KnobType::kPath,
     .meaning = "File with the certificates (PEM) that the server's is held against.", .least = 0,
     .most = kMaxText, .readable = true},
    {.key = "cert_file", .type = KnobType::kPath,
     .meaning = "File with docktor's own certificate (PEM), with key_file.", .least = 0, .most = kMaxText, .readable = true},
    {.key = "key_file", .type = KnobType::kPath,
     .meaning = "File with the key (PEM) of that certificate.", .least = 0, .most = kMaxText, .readable = true},
    {.key = "verify", .type = KnobType::kBool,
     .meaning = "false: any certificate of the server's will do.", .standard = "true"},
});

constexpr std::array kTable = std::to_array<Knob>({
    {.key = "url", .type = KnobType::kUrl,
     .meaning = "redis://HOST:PORT/DB, rediss:// for TLS, unix:///PATH for a socket; may carry user:password@ (an @ "
                "within as %40), which is never shown. Several, with commas between, are the sentinels.",
     .least = 1, .most = kMaxText, .variable = "DOCKTOR_QUEUE_URL", .required = true, .secret = true},
    {.key = "stream", .type = KnobType::kText,
     .meaning = "Key of a stream, with group.", .least = 1, .most = 1024},
    {.key = "group", .type = KnobType::kText,
     .meaning = "Consumer group that the replicas read the stream with.", .least = 1, .most = 1024},
    {.key = "claim_after", .type = KnobType::kDuration,
     .meaning = "How long work stays with a worker that is gone, until another one takes it: the least idle time of your "
                "XAUTOCLAIM.",
     .standard = "60s", .least = 1, .most = 7 * 86400},
    {.key = "user", .type = KnobType::kText,
     .meaning = "User name (ACL).", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_USER"},
    {.key = "password", .type = KnobType::kText,
     .meaning = "Password, of the user or of the server.", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_PASSWORD",
     .secret = true, .file_key = "password_file"},
    {.key = "tls", .type = KnobType::kSection,
     .meaning = "For TLS, with a rediss:// address.",
     .within = kTls.data(), .within_count = kTls.size()},
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
  if (addresses->size() > 1 && !from.given("sentinel"))
    from.mistake(
        "url",
        "url has several addresses; write one, or sentinel: with the master's name where they are sentinels");
  const bool tls = addresses->front().tls;
  for (const std::string_view key : {"tls_ca_file", "tls_cert_file", "tls_key_file"}) {
    if (from.given(key) && !tls) from.mistake(key, "TLS is for rediss:// addresses; write rediss:// in url");
  }
  if (from.given("tls_cert_file") != from.given("tls_key_file")) {
    const bool cert = from.given("tls_cert_file");
    from.mistake(cert ? "tls_cert_file" : "tls_key_file",
                 cert ? "a certificate without its key; write key_file too"
                      : "a key without its certificate; write cert_file too");
  }
  if (from.given("user") && !from.given("password"))
    from.mistake("user", "a user without a password; write password: or password_file: too");
}

// One of the ways to say what is read.
void check_what(KindReader& from) {
  if (!from.given("stream"))
    return from.mistake("stream", "which queue is missing; write stream: and group:");
  if (!from.given("group"))
    from.mistake("stream", "a stream without a group; write group: with the consumer group of the workers");
}

void check(KindReader& from) {
  check_url(from);
  check_what(from);
  const auto spec = RedisSpec::from(from.settings);
  const auto addresses = parse_redis_url(spec.url);
  from.identity = fmt::format("redis {} {}", addresses ? addresses->front().db : 0, spec.what());
  from.shown = fmt::format("{} ({})", redacted_url(spec.url), spec.what());
}

Untold untold(const Settings&) {
  return {.metrics = {Metric::kQueueLag, Metric::kQueueWaiting, Metric::kQueueRedelivered, Metric::kQueueDead,
                      Metric::kQueueScheduled}};
}

}  // namespace

const KindKeys kRedisKeys = {
    .name = "redis",
    .meaning = "a queue in Redis: a stream with a consumer group",
    .note = "docs/redis.md tells what docktor reads, and what a user of the server must be allowed.",
    .keys = kTable,
    .check = check,
    .untold = untold,
};

}  // namespace docktor
