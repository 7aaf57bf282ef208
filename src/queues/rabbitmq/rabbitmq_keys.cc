#include "queues/rabbitmq/rabbitmq_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/kind.h"
#include "config/mistakes.h"
#include "config/queue_keys.h"
#include "config/tls_keys.h"
#include "core/text.h"
#include "queues/rabbitmq/rabbitmq_spec.h"

namespace docktor {

namespace {

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTable = std::to_array<Knob>({
    queue_keys::url("Server, amqp://user:password@host:5672/vhost, or amqps:// for TLS; @ : / within a part are written "
                    "%40 %3A %2F. The password is never shown."),
    {.key = "queue", .type = KnobType::kText,
     .meaning = "Name of the queue, classic or quorum.", .least = 1, .most = 255, .required = true},
    {.key = "vhost", .type = KnobType::kText,
     .meaning = "Virtual host; empty: that of url, else /.", .least = 0, .most = 255},
    {.key = "management", .type = KnobType::kText,
     .meaning = "Whether the management API is asked for messages in hand and rates: auto (where it answers), required "
                "(without its answer there is no data), off (the backlog is all that is known).",
     .standard = "auto", .choices = "auto|required|off"},
    {.key = "management_url", .type = KnobType::kUrl,
     .meaning = "Address of the management API; empty: the host of url, port 15672 (15671 with amqps).", .least = 0,
     .most = queue_keys::kMaxText, .secret = true},
    queue_keys::user("User name, in place of one within url; neither: guest."),
    queue_keys::password(),
    tls_keys::section("For TLS, with an amqps:// or https:// address."),
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile, tls_keys::kFlatVerify,
});
// clang-format on

void check_management(KindReader& from) {
  const auto url = from.settings.get<Url>("management_url").value;
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    from.mistake("management_url", "management_url does not begin with http:// or https://");
  else if (url.find('@') != std::string::npos)
    from.mistake("management_url",
                 "management_url carries a user; write user and password beside it: the API is asked "
                 "with the same ones as AMQP");
  if (from.given("management_url") && from.settings.text("management") == "off")
    from.mistake("management_url",
                 "management is off, and management_url says where it is; leave one of them out");
}

void check_sign_in(KindReader& from, const AmqpAddress& address) {
  if (from.given("password") && from.settings.text("user").empty() && address.user.empty())
    from.mistake("password", "a password without a user; write user: too");
  if (!from.given("user") || address.user.empty()) return;
  from.mistake("user", "two users, the one within url and user; write one of them");
}

void check(KindReader& from) {
  const auto url = from.settings.get<Url>("url").value;
  if (url.empty()) return;  // said to be missing
  const auto address = parse_amqp_address(url);
  if (!address) {
    const auto shown = from.quoted("url");
    from.mistake("url", fmt::format("url {}{}", shown.find('@') == std::string::npos ? shown + " " : "",
                                    address.error().message));
    return;
  }
  const auto vhost = from.settings.text("vhost");
  if (!vhost.empty() && !address->vhost.empty() && vhost != address->vhost)
    from.mistake("vhost", fmt::format("two virtual hosts, {} within url and {}; write one of them",
                                      in_quotes(address->vhost), from.quoted("vhost")));
  check_management(from);
  check_sign_in(from, *address);
  const bool https = from.settings.get<Url>("management_url").value.starts_with("https://");
  tls_keys::check(from, address->tls || https, "amqps");
  const auto spec = RabbitSpec::from(from.settings);
  from.identity = fmt::format("rabbitmq {} {}", spec.address.vhost, spec.queue);
  from.shown = shown_queue(redacted_url(url), spec);
}

Untold untold(const Settings& settings) {
  Untold out{.metrics = {Metric::kQueueLag, Metric::kQueueRedelivered, Metric::kQueueWaiting,
                         Metric::kQueueDead, Metric::kQueueScheduled}};
  if (settings.text("management") != "off") return out;
  out.flow = true;
  out.why = " with management: off";
  for (const auto m :
       {Metric::kQueueRateIn, Metric::kQueueRateOut, Metric::kQueueAckPending, Metric::kQueueOldestAge})
    out.metrics.push_back(m);
  return out;
}

}  // namespace

const KindKeys kRabbitKeys = {
    .name = "rabbitmq",
    .meaning = "a queue of a RabbitMQ server",
    .note =
        "The backlog is read by AMQP, messages in hand and rates by the management API, with the same user. "
        "See "
        "docs/rabbitmq.md.",
    .keys = kTable,
    .check = check,
    .named_by = "queue",
    .untold = untold,
};

}  // namespace docktor
