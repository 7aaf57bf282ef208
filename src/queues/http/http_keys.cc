#include "queues/http/http_keys.h"

#include <fmt/format.h>

#include <array>

#include "config/queue_keys.h"
#include "config/tls_keys.h"
#include "core/text.h"
#include "queues/http/http_spec.h"
#include "queues/http/pointed_figures.h"
#include "queues/over_http/asker.h"

namespace docktor {

namespace {

constexpr double kMaxPointer = 1024;
constexpr double kDay = 86400;

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr Knob pointer(std::string_view key, std::string_view meaning) {
  return {.key = key, .type = KnobType::kText, .meaning = meaning, .least = 1, .most = kMaxPointer};
}

constexpr std::array kTable = std::to_array<Knob>({
    queue_keys::url("Address that answers a GET with JSON; may carry user:password@, which is never shown."),
    {.key = "backlog", .type = KnobType::kText,
     .meaning = "JSON pointer, /jobs/waiting, to the number of messages that wait.", .least = 1, .most = kMaxPointer,
     .required = true},
    pointer("in_flight", "JSON pointer: messages that workers have in hand."),
    pointer("arrivals", "JSON pointer: counter of all messages that came; it only grows."),
    pointer("settled", "JSON pointer: counter of all messages that were finished; it only grows."),
    pointer("rate_in", "JSON pointer: messages that come, per second, in place of arrivals."),
    pointer("rate_out", "JSON pointer: messages finished, per second, in place of settled."),
    pointer("oldest_age", "JSON pointer: age of the oldest message that waits, in seconds."),
    pointer("scheduled", "JSON pointer: messages whose time has not come; they are no backlog."),
    pointer("consumers", "JSON pointer: workers that the queue knows of."),
    pointer("dead", "JSON pointer: messages that were given up."),
    pointer("as_of", "JSON pointer: when the figures were taken, in Unix seconds or as 2024-01-31T12:00:00Z. Without: when "
                     "they are asked for."),
    {.key = "max_age", .type = KnobType::kDuration,
     .meaning = "Figures that as_of says are older than this are no data.", .standard = "1m", .least = 0.1, .most = kDay},
    {.key = "step", .type = KnobType::kDuration,
     .meaning = "The figures move only this often, since the endpoint keeps them so long (0: with each answer).",
     .standard = "0s", .least = 0, .most = kDay},
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
  const auto check_pointer = [&](std::string_view key) {
    const auto text = from.settings.text(key);
    if (!text.empty() && !is_pointer(text))
      from.mistake(key,
                   fmt::format("{} {} is no JSON pointer; write /jobs/waiting, with ~1 for a / within a name",
                               key, from.quoted(key)));
  };
  for (const auto& f : kFigures) check_pointer(f.key);
  check_pointer("as_of");
  if (from.given("max_age") && !from.given("as_of"))
    from.mistake("max_age", "max_age without as_of: nothing tells how old the figures are; write as_of: too");
  if (from.settings.text("backlog").empty()) return;  // said to be missing
  const auto spec = HttpQueueSpec::from(from.settings);
  from.shown = shown_http_queue(spec.login.shown(), spec);
  from.identity = "http " + from.shown;
}

Untold untold(const Settings& settings) {
  return untold_figures(figure_texts(settings, "backlog"), " without a pointer to it");
}

}  // namespace

std::string shown_http_queue(const std::string& base, const HttpQueueSpec& spec) {
  // What stands behind the ? may be a key.
  const auto& path = spec.login.url.path;
  const auto query = path.find('?');
  return fmt::format("{}{} ({})", base,
                     excerpt(path.substr(0, query)) + (query == std::string::npos ? "" : "?..."),
                     excerpt(spec.pointers.at(Figure::kBacklog)));
}

const KindKeys kHttpKeys = {
    .name = "http",
    .meaning = "figures out of JSON that an address answers with",
    .note = "One GET gives all figures; a JSON pointer says where each is. See docs/http.md.",
    .keys = kTable,
    .check = check,
    .untold = untold,
};

}  // namespace docktor
