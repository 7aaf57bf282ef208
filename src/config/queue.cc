// The queue of a service: where it is, which consumer, and how docktor signs in.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "config/parts.h"
#include "config/servers.h"
#include "core/text.h"

namespace docktor {

namespace {

bool has_space_or_control(std::string_view s) {
  return std::ranges::any_of(s, [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
}

// What NATS itself refuses in names of streams and consumers.
void check_name(Section& from, const std::optional<Read<std::string>>& name, std::string_view key) {
  if (!name) return;
  if (name->value.starts_with('$')) {
    from.context().mistakes.add(
        name->place, fmt::format("{} {} begins with $; a variable is written ${{NAME}}", key, name->shown));
    return;
  }
  if (has_space_or_control(name->value) || name->value.find_first_of(".*>/\\") != std::string::npos) {
    from.context().mistakes.add(
        name->place, fmt::format("{} {} cannot be a name in NATS; allowed: text without space and . * > / \\",
                                 key, name->shown));
  }
}

bool is_subject(std::string_view subject) {
  if (has_space_or_control(subject)) return false;
  while (true) {
    const auto dot = subject.find('.');
    const auto token = subject.substr(0, dot);
    const bool last = dot == std::string_view::npos;
    if (token.empty() || (token == ">" && !last)) return false;
    if (token.size() > 1 && token.find_first_of("*>") != std::string_view::npos) return false;
    if (last) return true;
    subject.remove_prefix(dot + 1);
  }
}

// As the client takes it. With an @ in it the text may hold a password, wherever its parts were meant to
// begin.
void read_url(Section& from, const Read<std::string>& url, QueueSpec& queue) {
  const bool as_written = url.shown == in_quotes(url.value);
  auto servers = nats_servers(url.value, as_written && url.value.find('@') == std::string::npos);
  if (servers) {
    queue.url = std::move(*servers);
  } else {
    const bool may_name = !as_written && url.shown.find('@') == std::string::npos;
    from.context().mistakes.add(url.place, fmt::format("url {}{}", may_name ? url.shown + " " : std::string(),
                                                       servers.error().message));
  }
}

// Names of intent, "backlog" or "queue.backlog"; a slip in one is worth a word.
void check_metrics(Section& from, const std::vector<std::string>& metrics) {
  const auto& items = from.entry("metrics")->value.items;
  std::vector<std::string_view> names;
  for (const auto& m : kMetrics) {
    if (is_queue(m.metric)) names.push_back(m.name.substr(std::string_view("queue.").size()));
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    std::string_view name = metrics[i];
    if (name.starts_with("queue.")) name.remove_prefix(std::string_view("queue.").size());
    if (std::ranges::find(names, name) != names.end()) continue;
    const auto near = did_you_mean(name, names);
    from.context().mistakes.add(
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
void read_place(Section& from, QueueSpec& queue) {
  auto& mistakes = from.context().mistakes;
  const auto domain = from.text("domain");
  check_name(from, domain, "domain");
  if (domain) queue.domain = domain->value;
  const auto prefix = [&](std::string_view key, std::string& field) {
    const auto read = from.text(key);
    if (!read || read->value.empty()) return;
    field = read->value;
    while (field.ends_with('.')) field.pop_back();  // "fromjs." is the same to nats and to people
    if (!is_subject(field) || field.find_first_of("*>") != std::string::npos) {
      mistakes.add(read->place,
                   fmt::format("{} {} cannot begin a subject; allowed: words with dots between, as in "
                               "$JS.hub.API",
                               key, read->shown));
    }
  };
  prefix("api_prefix", queue.api_prefix);
  prefix("advisory_prefix", queue.advisory_prefix);
  if (!queue.domain.empty() && !queue.api_prefix.empty()) {
    mistakes.add(std::max(from.key_at("domain"), from.key_at("api_prefix")),
                 fmt::format("both domain and api_prefix are written; write one of them: a domain D is the "
                             "prefix $JS.D.API"));
  }
}

void read_sign_in(Section& from, QueueSpec& queue, const std::optional<Read<std::string>>& url) {
  auto& mistakes = from.context().mistakes;
  const auto user = from.text("user");
  const auto password = from.secret("password");
  const auto token = from.secret("token");
  const auto creds = from.readable_file("creds_file");
  const auto nkey = from.secret("nkey");
  if (user) queue.user = user->value;
  if (password) queue.password = password->value;
  if (token) queue.token = token->value;
  if (creds) queue.creds_file = creds->value;
  if (nkey) queue.nkey_seed = nkey->value;

  if (password && queue.user.empty())
    mistakes.add(password->place, "a password without a user; write user: too");
  if (nkey && !is_user_seed(nkey->value.value)) {
    mistakes.add(nkey->place, "nkey is not the seed of a user; allowed: 58 characters that begin with SU");
  }
  struct Way {
    std::string_view name;
    std::optional<Place> place;
  };
  const auto place_of = [](const auto& read) {
    return read ? std::optional<Place>(read->place) : std::nullopt;
  };
  const bool in_url = url && url->value.find('@') != std::string::npos;
  const std::array<Way, 5> ways{{{"the one within url", in_url ? place_of(url) : std::nullopt},
                                 {"user", queue.user.empty() ? std::nullopt : place_of(user)},
                                 {"token", place_of(token)},
                                 {"creds_file", place_of(creds)},
                                 {"nkey", place_of(nkey)}}};
  const Way* first = nullptr;
  for (const auto& way : ways) {
    if (!way.place) continue;
    if (first) {
      const bool later = way.place->position > first->place->position;
      mistakes.add(later ? *way.place : *first->place,
                   fmt::format("two ways to sign in, {} and {}; write one of them", first->name, way.name));
    }
    first = &way;
  }
}

void read_tls(Section& from, QueueSpec& queue) {
  auto& mistakes = from.context().mistakes;
  std::optional<Section> tls;
  if (const auto* node = from.section("tls")) tls.emplace(from.context(), kTls, *node);
  const auto read = [&](std::string_view key, std::string_view flat) {
    auto file = from.readable_file(flat);
    if (!tls) return file;
    auto nested = tls->readable_file(key);
    if (from.entry(flat) && tls->entry(key)) {
      mistakes.add(std::max(from.key_at(flat), tls->key_at(key)),
                   fmt::format("both {} and tls.{} are written; write one of them", flat, key));
    }
    return nested ? nested : file;
  };
  if (const auto ca = read("ca_file", "tls_ca_file")) queue.tls_ca_file = ca->value;
  const auto cert = read("cert_file", "tls_cert_file");
  const auto key = read("key_file", "tls_key_file");
  if (cert) queue.tls_cert_file = cert->value;
  if (key) queue.tls_key_file = key->value;
  const bool cert_written = from.entry("tls_cert_file") || (tls && tls->entry("cert_file"));
  const bool key_written = from.entry("tls_key_file") || (tls && tls->entry("key_file"));
  if (cert && !key_written) mistakes.add(cert->place, "a certificate without its key; write key_file too");
  if (key && !cert_written) mistakes.add(key->place, "a key without its certificate; write cert_file too");
}

}  // namespace

QueueSpec read_queue(Section& from) {
  QueueSpec queue;
  if (const auto kind = from.text("kind")) queue.kind = kind->value;
  const auto url = from.text("url");
  if (url) read_url(from, *url, queue);
  (void)from.boolean("jetstream");
  const auto stream = from.text("stream");
  const auto consumer = from.text("consumer");
  check_name(from, stream, "stream");
  check_name(from, consumer, "consumer");
  if (stream) queue.stream = stream->value;
  if (consumer) queue.consumer = consumer->value;
  read_place(from, queue);
  if (const auto subject = from.text("subject"); subject && !subject->value.empty()) {
    queue.subject = subject->value;
    if (!is_subject(queue.subject)) {
      from.context().mistakes.add(
          subject->place, fmt::format("subject {} cannot be one; allowed: words with dots between, * for one "
                                      "word, > for all that follow",
                                      subject->shown));
    }
  }
  if (const auto metrics = from.texts("metrics")) {
    queue.metrics = metrics->value;
    check_metrics(from, queue.metrics);
  }
  read_sign_in(from, queue, url);
  read_tls(from, queue);
  return queue;
}

}  // namespace docktor
