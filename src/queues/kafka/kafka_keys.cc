#include "queues/kafka/kafka_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/tls_keys.h"
#include "core/metric.h"
#include "core/text.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

namespace {

constexpr double kMaxText = 4096;
constexpr double kMaxTopic = 249;  // Kafka's own bound

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTls = std::to_array<Knob>({
    {.key = "enabled", .type = KnobType::kBool,
     .meaning = "TLS; any other key of tls means the same.", .standard = "false"},
    tls_keys::kCaFile, tls_keys::kCertFile, tls_keys::kKeyFile,
    {.key = "verify", .type = KnobType::kBool,
     .meaning = "false: any certificate of the server's will do.", .standard = "true"},
});

constexpr std::array kTable = std::to_array<Knob>({
    {.key = "url", .type = KnobType::kText,
     .meaning = "HOST:PORT of a broker; several, with commas between, are tried in turn.",
     .least = 1, .most = kMaxText, .variable = "DOCKTOR_QUEUE_URL", .required = true},
    {.key = "topic", .type = KnobType::kText,
     .meaning = "Topic that the replicas read.", .least = 1, .most = kMaxTopic},
    {.key = "topics", .type = KnobType::kList,
     .meaning = "Several topics that the replicas read, in place of topic.", .least = 1, .most = 100},
    {.key = "group", .type = KnobType::kText,
     .meaning = "Consumer group of the replicas (their group.id).", .least = 1, .most = 1024, .required = true},
    {.key = "offset_reset", .type = KnobType::kText,
     .meaning = "auto.offset.reset of the replicas: where they begin in a partition that the group has no commit for. With "
                "latest, what comes while nobody reads is skipped, so that one replica is kept.",
     .standard = "latest", .choices = "latest|earliest"},
    {.key = "isolation", .type = KnobType::kText,
     .meaning = "isolation.level of the replicas: whether they read records of transactions that are not committed.",
     .standard = "read_committed", .choices = "read_committed|read_uncommitted"},
    {.key = "user", .type = KnobType::kText,
     .meaning = "User name (SASL).", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_USER"},
    {.key = "password", .type = KnobType::kText,
     .meaning = "The user's password.", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_PASSWORD",
     .secret = true, .file_key = "password_file"},
    {.key = "sasl_mechanism", .type = KnobType::kText,
     .meaning = "How the user signs in.", .standard = "plain", .choices = "plain|scram-sha-256|scram-sha-512"},
    {.key = "tls", .type = KnobType::kSection,
     .meaning = "For TLS; the same keys may stand in queue itself as tls_enabled, tls_ca_file, tls_cert_file, tls_key_file, "
                "tls_verify.",
     .within = kTls.data(), .within_count = kTls.size()},
    {.key = "tls_enabled", .type = KnobType::kBool, .meaning = "The same as tls.enabled.", .standard = "false"},
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile,
    {.key = "tls_verify", .type = KnobType::kBool, .meaning = "The same as tls.verify.", .standard = "true"},
});
// clang-format on

// Nothing of the address is repeated where it may hold a password.
void check_servers(KindReader& from) {
  const auto url = from.settings.text("url");
  if (url.empty()) return;  // said to be missing
  if (url.find('@') != std::string::npos)
    return from.mistake("url", "url carries a user; write user: and password: beside it");
  if (url.find("://") != std::string::npos)
    return from.mistake(
        "url", fmt::format("url {} has a scheme; write HOST:PORT, and tls: {{enabled: true}} for TLS",
                           from.quoted("url")));
  for (std::size_t begin = 0; begin <= url.size();) {
    const auto end = std::min(url.find(',', begin), url.size());
    const std::string_view server = std::string_view(url).substr(begin, end - begin);
    begin = end + 1;
    const auto colon = server.rfind(':');
    const bool ipv6 =
        colon != std::string_view::npos && server.find(':') != colon && !server.starts_with('[');
    const auto port =
        colon == std::string_view::npos || server.ends_with(']') ? "9092" : server.substr(colon + 1);
    const bool number = is_whole_number(port) && port.size() <= 5 && std::stoi(std::string(port)) >= 1 &&
                        std::stoi(std::string(port)) <= 65535;
    if (server.empty() || colon == 0 || ipv6 || !number ||
        server.find_first_of(" /\t") != std::string_view::npos)
      return from.mistake(
          "url", fmt::format("url {} must be HOST:PORT, or several with commas between", from.quoted("url")));
  }
}

// "topic" and "topics" are one thing.
void check_topics(KindReader& from) {
  if (from.given("topic") && from.given("topics"))
    from.mistake("topics", "both topic and topics are written; write one of them");
  auto topics = from.settings.get<std::vector<std::string>>("topics");
  if (from.given("topic")) topics = {from.settings.text("topic")};
  const char* key = from.given("topic") ? "topic" : "topics";
  if (topics.empty()) return from.mistake("url", "which topic is missing; write topic: (or topics:)");
  for (const auto& t : topics) {
    if (t.empty() || t.size() > kMaxTopic ||
        t.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789._-") != std::string::npos)
      from.mistake(key,
                   fmt::format("{} is no name of a topic: letters, digits, '.', '_' and '-', at most 249; "
                               "patterns are not taken",
                               from.quoted(key)));
    if (std::ranges::count(topics, t) > 1)
      return from.mistake(key, fmt::format("topic {} stands there twice", t));
  }
  from.settings.set("topics", std::move(topics));
  from.settings.erase("topic");
}

void check_sign_in(KindReader& from) {
  if (from.given("password") && !from.given("user"))
    from.mistake("password", "a password without a user; write user: too");
  if (from.given("user") && !from.given("password"))
    from.mistake("user", "a user without a password; write password: or password_file: too");
  if (from.given("sasl_mechanism") && !from.given("user"))
    from.mistake("sasl_mechanism", "sasl_mechanism without a user; write user: and password: too");
  tls_keys::check_pair(from);
  const bool off = from.given("tls_enabled") && !from.settings.get<bool>("tls_enabled");
  for (const std::string_view key : {"tls_ca_file", "tls_cert_file", "tls_verify"}) {
    if (!from.given(key)) continue;
    if (off) from.mistake(key, "TLS is switched off by tls.enabled; leave one of them out");
    from.settings.set("tls_enabled", true);
  }
}

void check(KindReader& from) {
  check_servers(from);
  check_topics(from);
  check_sign_in(from);
  const auto spec = KafkaSpec::from(from.settings);
  from.identity = fmt::format("kafka {}", spec.what());
  from.shown = fmt::format("{} ({})", redacted_url(spec.servers), spec.what());
}

Untold untold(const Settings&) {
  return {.metrics = {Metric::kQueueAckPending, Metric::kQueueRedelivered, Metric::kQueueWaiting,
                      Metric::kQueueDead, Metric::kQueueScheduled, Metric::kQueueOldestAge}};
}

}  // namespace

const KindKeys kKafkaKeys = {
    .name = "kafka",
    .meaning = "a consumer group of Kafka on one or several topics",
    .note =
        "docs/kafka.md tells what docktor reads, what the lag means, and what a user of the cluster must be "
        "allowed.",
    .keys = kTable,
    .check = check,
    .named_by = "topic|group",
    .untold = untold,
};

}  // namespace docktor
