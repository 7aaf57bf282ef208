#include "queues/nats/nats_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "config/tls_keys.h"
#include "core/text.h"
#include "queues/nats/nats_servers.h"
#include "queues/nats/subjects.h"

namespace docktor {

namespace {

constexpr double kMaxText = 4096;

// clang-format off: tables, one key after the other, in the order of the documentation.
constexpr std::array kTls = std::to_array<Knob>({
    tls_keys::kCaFile, tls_keys::kCertFile, tls_keys::kKeyFile,
});

constexpr std::array kTable = std::to_array<Knob>({
    {.key = "url", .type = KnobType::kUrl,
     .meaning = "Server, or several separated by commas; may carry user:password@ (an @ within as %40), "
                "which is never shown.",
     .least = 1, .most = kMaxText, .variable = "DOCKTOR_QUEUE_URL", .required = true, .secret = true},
    {.key = "jetstream", .type = KnobType::kBool,
     .meaning = "Always true: what docktor reads is a consumer of JetStream.", .standard = "true",
     .choices = "true"},
    {.key = "stream", .type = KnobType::kText,
     .meaning = "Name of the stream.", .least = 1, .most = 255, .required = true},
    {.key = "consumer", .type = KnobType::kText,
     .meaning = "Name of the durable consumer that the replicas share.", .least = 1, .most = 255,
     .required = true},
    {.key = "domain", .type = KnobType::kText,
     .meaning = "JetStream domain of the stream, where the server of url is connected to it by a leaf link; "
                "empty: the server's own.",
     .least = 0, .most = 255},
    {.key = "api_prefix", .type = KnobType::kText,
     .meaning = "Subject that stands for $JS.API where the account imports JetStream from another one; in "
                "place of domain.",
     .least = 0, .most = 255},
    {.key = "advisory_prefix", .type = KnobType::kText,
     .meaning = "Subject that stands for $JS.EVENT.ADVISORY where that is imported, too; without it "
                "queue.dead stays 0 there.",
     .least = 0, .most = 255},
    {.key = "subject", .type = KnobType::kText,
     .meaning = "Subject that the consumer is meant to get; `config validate` holds it against "
                "the consumer's filter.",
     .least = 0, .most = 1024},
    {.key = "metrics", .type = KnobType::kList,
     .meaning = "Names of the metrics meant to be used, with or without queue.; all are read in any case.",
     .least = 0, .most = 100},
    {.key = "user", .type = KnobType::kText,
     .meaning = "User name.", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_USER"},
    {.key = "password", .type = KnobType::kText,
     .meaning = "Password of the user.", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_PASSWORD",
     .secret = true, .file_key = "password_file"},
    {.key = "token", .type = KnobType::kText,
     .meaning = "Token, in place of a user.", .least = 0, .most = kMaxText, .variable = "DOCKTOR_QUEUE_TOKEN",
     .secret = true, .file_key = "token_file"},
    {.key = "creds_file", .type = KnobType::kPath,
     .meaning = "File with a user's JWT and nkey seed, as nsc writes it.", .least = 0, .most = kMaxText, .readable = true},
    {.key = "nkey", .type = KnobType::kText,
     .meaning = "Seed of a user's nkey (SU...).", .least = 0, .most = kMaxText,
     .variable = "DOCKTOR_QUEUE_NKEY", .secret = true, .file_key = "nkey_file"},
    {.key = "tls", .type = KnobType::kSection,
     .meaning = "Files for TLS; the same keys may stand in queue itself as tls_ca_file, "
                "tls_cert_file, tls_key_file.",
     .within = kTls.data(), .within_count = kTls.size()},
    tls_keys::kFlatCaFile, tls_keys::kFlatCertFile, tls_keys::kFlatKeyFile,
});
// clang-format on

// What NATS itself refuses in names of streams and consumers.
void check_name(KindReader& from, std::string_view key) {
  const auto name = from.settings.text(key);
  if (name.starts_with('$')) {
    from.mistake(key,
                 fmt::format("{} {} begins with $; a variable is written ${{NAME}}", key, from.quoted(key)));
  } else if (!name.empty() && !is_api_token(name)) {
    from.mistake(
        key, fmt::format("{} {} cannot be a name in NATS; allowed: text without space and . * > / \\", key,
                         from.quoted(key)));
  }
}

// As the client takes it. With an @ in it the text may hold a password, wherever its parts were meant to
// begin.
void check_url(KindReader& from) {
  const auto url = from.settings.get<Url>("url").value;
  if (url.empty()) return;
  const auto shown = from.quoted("url");
  const bool as_written = shown == in_quotes(url);
  auto servers = nats_servers(url, as_written && url.find('@') == std::string::npos);
  if (servers) {
    from.settings.set("url", Url{std::move(*servers)});
  } else {
    const bool may_name = !as_written && shown.find('@') == std::string::npos;
    from.mistake("url",
                 fmt::format("url {}{}", may_name ? shown + " " : std::string(), servers.error().message));
  }
}

// Names of intent, "backlog" or "queue.backlog"; a slip in one is worth a word.
void check_metrics(KindReader& from) {
  const auto metrics = from.settings.get<std::vector<std::string>>("metrics");
  if (metrics.empty()) return;
  const auto& items = from.section.entry("metrics")->value.items;
  std::vector<std::string_view> names;
  for (const auto& m : kMetrics) {
    if (is_queue(m.metric)) names.push_back(m.name.substr(std::string_view("queue.").size()));
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    std::string_view name = metrics[i];
    if (name.starts_with("queue.")) name.remove_prefix(std::string_view("queue.").size());
    if (std::ranges::find(names, name) != names.end()) continue;
    const auto near = did_you_mean(name, names);
    from.section.context().mistakes.add(
        items[i].at, fmt::format("unknown metric {} of a queue; {}", shown_text(items[i], metrics[i]),
                                 near ? fmt::format("did you mean {}?", *near)
                                      : fmt::format("allowed: {}", fmt::join(names, ", "))));
  }
}

// An nkey user seed: base32, 58 characters, "SU" in front.
bool is_user_seed(std::string_view seed) {
  return seed.size() == 58 && seed.starts_with("SU") &&
         std::ranges::all_of(seed, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'); });
}

// Where JetStream is asked, when that is not the server's own: a domain, or what an account imports.
void check_place(KindReader& from) {
  check_name(from, "domain");
  for (const std::string_view key : {"api_prefix", "advisory_prefix"}) {
    auto prefix = from.settings.text(key);
    if (prefix.empty()) continue;
    while (prefix.ends_with('.')) prefix.pop_back();  // "fromjs." is the same to nats and to people
    if (!is_subject(prefix) || prefix.find_first_of("*>") != std::string::npos) {
      from.mistake(key, fmt::format("{} {} cannot begin a subject; allowed: words with dots between, as in "
                                    "$JS.hub.API",
                                    key, from.quoted(key)));
    }
    from.settings.set(key, std::move(prefix));
  }
  if (from.given("domain") && from.given("api_prefix")) {
    from.section.context().mistakes.add(
        std::max(from.section.key_at("domain"), from.section.key_at("api_prefix")),
        "both domain and api_prefix are written; write one of them: a domain D is the prefix $JS.D.API");
  }
}

void check_sign_in(KindReader& from) {
  if (from.given("password") && from.settings.text("user").empty())
    from.mistake("password", "a password without a user; write user: too");
  if (from.given("nkey") && !is_user_seed(from.settings.get<Secret>("nkey").value))
    from.mistake("nkey", "nkey is not the seed of a user; allowed: 58 characters that begin with SU");

  struct Way {
    std::string_view name;  // what mistakes call it
    std::string_view key;
    bool used;
  };
  const bool in_url = from.settings.get<Url>("url").value.find('@') != std::string::npos;
  const std::array<Way, 5> ways{{{"the one within url", "url", in_url},
                                 {"user", "user", from.given("user")},
                                 {"token", "token", from.given("token")},
                                 {"creds_file", "creds_file", from.given("creds_file")},
                                 {"nkey", "nkey", from.given("nkey")}}};
  const Way* first = nullptr;
  for (const auto& way : ways) {
    if (!way.used) continue;
    if (first) {
      const auto later = std::max(from.givens.find(way.key)->second.place.position,
                                  from.givens.find(first->key)->second.place.position);
      from.mistake(from.givens.find(way.key)->second.place.position == later ? way.key : first->key,
                   fmt::format("two ways to sign in, {} and {}; write one of them", first->name, way.name));
    }
    first = &way;
  }
}

void check_keys(KindReader& from) {
  auto& settings = from.settings;
  check_url(from);
  check_name(from, "stream");
  check_name(from, "consumer");
  check_place(from);
  if (const auto subject = settings.text("subject"); !subject.empty() && !is_subject(subject)) {
    from.mistake("subject",
                 fmt::format("subject {} cannot be one; allowed: words with dots between, * for one "
                             "word, > for all that follow",
                             from.quoted("subject")));
  }
  check_metrics(from);
  check_sign_in(from);
  tls_keys::check_pair(from);
  settings.erase("jetstream");  // always true: a word to people, not a setting
  from.identity = fmt::format("nats {} {}", settings.text("stream"), settings.text("consumer"));
  from.shown = fmt::format("{} ({}/{})", redacted_url(settings.get<Url>("url").value),
                           settings.text("stream"), settings.text("consumer"));
}

}  // namespace

const KindKeys kNatsKeys = {
    .name = "nats",
    .meaning = "a consumer of a NATS JetStream stream",
    .note = "One way to sign in at most: a user, a token, a creds file, an nkey, or what the url carries.",
    .keys = kTable,
    .check = check_keys,
    .implied = true,
    .named_by = "consumer",
    .untold =
        [](const Settings&) {
          return Untold{
              .metrics = {Metric::kQueueScheduled, Metric::kQueueConsumers, Metric::kQueueOldestAge}};
        },
};

}  // namespace docktor
