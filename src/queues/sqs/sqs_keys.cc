#include "queues/sqs/sqs_keys.h"

#include <fmt/format.h>

#include <array>

#include "config/queue_keys.h"
#include "config/tls_keys.h"
#include "queues/sqs/sqs_spec.h"

namespace docktor {

namespace {

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    queue_keys::url("The queue's URL, as GetQueueUrl tells it: https://sqs.eu-west-1.amazonaws.com/123456789012/mail, or that of "
                    "anything that speaks SQS's JSON protocol."),
    {.key = "region", .type = KnobType::kText,
     .meaning = "Region that requests are signed for; empty: that of url, else AWS_REGION, else us-east-1.", .least = 0,
     .most = 64},
    {.key = "access_key", .type = KnobType::kText,
     .meaning = "Access key id, with secret_key. Without: credentials are looked for where AWS's own tools look.", .least = 0,
     .most = 256},
    {.key = "secret_key", .type = KnobType::kText,
     .meaning = "Secret access key.", .least = 0, .most = queue_keys::kMaxText, .secret = true, .file_key = "secret_key_file"},
    {.key = "session_token", .type = KnobType::kText,
     .meaning = "Session token of such a key.", .least = 0, .most = 16384, .secret = true, .file_key = "session_token_file"},
    {.key = "profile", .type = KnobType::kText,
     .meaning = "Profile of ~/.aws/credentials; goes before the environment.", .least = 0, .most = 255},
    {.key = "poll_interval", .type = KnobType::kDuration,
     .meaning = "Time between two requests, whatever sample_interval says: each request costs. Without: 10s at Amazon, 1s "
                "elsewhere.",
     .least = 0.1, .most = 3600},
    {.key = "message_groups", .type = KnobType::kInteger,
     .meaning = "Of a FIFO queue: how many message groups there are. More replicas than that are of no use.", .least = 1,
     .most = 100'000},
    tls_keys::section("For TLS, with an https:// address."),
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile, tls_keys::kFlatVerify,
});
// clang-format on

void check_identity(KindReader& from) {
  if (from.given("access_key") != from.given("secret_key"))
    from.mistake(from.given("access_key") ? "access_key" : "secret_key",
                 "access_key and secret_key come together; write both, or neither");
  if (from.given("session_token") && !from.given("access_key"))
    from.mistake("session_token",
                 "a session_token without an access_key; write access_key and secret_key too");
  if (from.given("profile") && from.given("access_key"))
    from.mistake("profile", "both profile and access_key are written; write one of them");
}

void check(KindReader& from) {
  const auto url = check_endpoint(from);
  if (!url) return;
  if (!url->user.empty())
    from.mistake("url", "url carries a user; write access_key and secret_key beside it");
  if (url->path.find('?') != std::string::npos || url->path.ends_with('/'))
    from.mistake("url",
                 "url does not end in a queue's name; write https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE");
  check_identity(from);
  const auto spec = SqsSpec::from(from.settings);
  if (from.given("message_groups") && !spec.fifo)
    from.mistake("message_groups",
                 "only a FIFO queue has message groups, and its name ends in .fifo; leave it out");
  from.identity = fmt::format("sqs {}", spec.queue_url);
  from.shown = spec.queue_url;
}

Untold untold(const Settings&) {
  return {
      .metrics = {Metric::kQueueLag, Metric::kQueueRateIn, Metric::kQueueRateOut, Metric::kQueueRedelivered,
                  Metric::kQueueWaiting, Metric::kQueueConsumers, Metric::kQueueOldestAge},
      .flow = true,
      .why = ", which counts neither what comes nor what is done"};
}

}  // namespace

const KindKeys kSqsKeys = {
    .name = "sqs",
    .meaning = "a queue of Amazon SQS, or of what speaks like it",
    .note = "Figures are approximate and up to a minute old. See docs/sqs.md.",
    .keys = kTable,
    .check = check,
    .untold = untold,
};

}  // namespace docktor
