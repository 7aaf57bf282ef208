#include "app/configuration_page.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "app/kinds.h"
#include "config/files.h"
#include "config/kind.h"
#include "config/yaml.h"
#include "core/metric.h"

namespace docktor {

std::string_view queue_example() {
  return R"(services:
  - name: consumer
    min_replicas: 1
    max_replicas: 10
    check_interval: 10
    metrics_window: 10
    rules:
      scale_up_when:          # any of these
        - metric: queue.backlog
          op: ">"
          value: 500
        - metric: queue.rate_in
          op: ">"
          value: 200
      scale_down_when:        # all of these
        - metric: queue.backlog
          op: "<="
          value: 100
        - metric: queue.rate_in
          op: "<"
          value: 150
    queue:
      kind: nats
      url: nats://localhost:4222
      stream: EVENTS
      consumer: WEB_WORKERS
      subject: events.web
    target:
      kind: process
      command: [./worker, --verbose]
      environment:
        NATS_URL: ${NATS_URL:-nats://localhost:4222}
)";
}

std::string_view objective_example() {
  return R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 20
    objective:
      max_wait: 5s
      quantile: 0.99
    queue:
      url: nats://localhost:4222
      stream: EVENTS
      consumer: WEB_WORKERS
    target:
      kind: process
      command: exec ./worker --batch 10
)";
}

std::string_view legacy_example() {
  return R"(service: web
scaling:
  cpu_high: 75
  cpu_low: 20
  min_replicas: 2
  max_replicas: 10
  check_interval: 10
  metrics_window: 10
target:
  kind: process
  command: [./web]
)";
}

namespace {

// A | would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string default_of(const Knob& k) {
  if (!k.standard.empty()) return fmt::format("`{}`", k.standard);
  if (k.required) return "required";
  return "";
}

std::string allowed_of(const Knob& k) {
  if (k.choices.empty()) return allowed(k);
  std::string out;
  for (const auto choice : choices_of(k)) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", choice);
  return out;
}

std::string meaning_of(const Knob& k) {
  std::string out(k.meaning);
  if (!k.file_key.empty()) out += fmt::format(" Or `{}`: a file with it.", k.file_key);
  if (k.secret) out += " Secret.";
  return out;
}

std::string overrides_of(const Knob& k) {
  std::string out;
  if (!k.variable.empty()) out += fmt::format("`{}`", k.variable);
  if (!k.flag.empty()) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", k.flag);
  return out;
}

struct Chapter {
  Form form;
  std::string_view title;
  std::string_view intro;
};

constexpr Chapter kTopChapter{kTop, "The file",
                              "Keys that begin with `x-` are ignored here: a place for anchors."};
constexpr std::array<Chapter, 5> kServiceChapters{{
    {kService, "services[]", "One entry for each service; it has `rules`, an `objective`, or both."},
    {kSchedule, "services[].schedule[]",
     "`min_replicas`, `max_replicas` or both. What a person sets with `docktor set-bounds` counts before "
     "it."},
    {kRules, "services[].rules", "At least one rule, in either list."},
    {kRule, "services[].rules.scale_up_when[], scale_down_when[]",
     "Rules see the mean over `metrics_window`. A rule whose metric has no data, or old data, does not hold; "
     "while any rule has none, nothing is scaled down."},
    {kObjective, "services[].objective", "Capacity per replica and start-up time are learned."},
}};
constexpr std::array<Chapter, 7> kLastChapters{{
    {kScaling, "scaling (legacy form)", "With `service` at the top, in place of `services`."},
    {kHost, "host", "docs/operations.md has how it is reckoned, and for which targets."},
    {kLlm, "llm", ""},
    {kHttp, "http", "docs/metrics.md has what it serves, and who may ask for what."},
    {kHttpToken, "http.tokens[]", ""},
    {kHighAvailability, "high_availability",
     "docs/kubernetes.md has what it does, and the rights that it needs."},
    {kNotification, "notifications[]",
     "docs/notifications.md has the events, the forms and what a receiver gets."},
}};

std::string chapter_of(std::string_view title, std::string_view intro, const std::vector<const Knob*>& keys) {
  std::string out = fmt::format("## {}\n\n", title);
  if (!intro.empty()) out += fmt::format("{}\n\n", intro);
  if (keys.empty()) return out;
  out += "| key | default | allowed | meaning | overridden by |\n| --- | --- | --- | --- | --- |\n";
  for (const auto* k : keys) {
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", k->key, default_of(*k), cell(allowed_of(*k)),
                       cell(meaning_of(*k)), overrides_of(*k));
  }
  return out + "\n";
}

std::string chapter_of(const Chapter& chapter) {
  return chapter_of(chapter.title, chapter.intro, table_of(chapter.form).knobs);
}

std::vector<const Knob*> pointers(std::span<const Knob> knobs) {
  std::vector<const Knob*> out;
  for (const auto& k : knobs) out.push_back(&k);
  return out;
}

// The key `kind`, then a chapter for each kind, with one for each map within it.
std::string chapters_of(const KindSort& sort, std::string_view title,
                        std::string (*traits)(const KindKeys&) = nullptr) {
  const KindKnob kind(sort);
  std::string out = chapter_of(title, "Which other keys there are depends on the kind.", {&kind.knob});
  for (const auto* k : sort.kinds) {
    const auto name = fmt::format("{} of kind {}", sort.word, k->name);
    const std::string more = traits ? traits(*k) : "";
    const std::string intro =
        fmt::format("{}{}{}", k->note, k->note.empty() || more.empty() ? "" : " ", more);
    out += chapter_of(name, intro, pointers(k->keys));
    for (const auto& section : k->keys) {
      if (section.within)
        out += chapter_of(fmt::format("{}: {}", name, section.key), "", pointers(section.inner()));
    }
  }
  return out;
}

// Keys of kinds that count for all services may stand at the top, too.
std::vector<const Knob*> top_keys() {
  auto keys = table_of(kTop).knobs;
  const auto more = whole_file_knobs(all_kinds());
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

std::string target_traits(const KindKeys& kind) {
  std::string out = kind.chooses_victims ? "docktor chooses which replicas stop."
                                         : "The engine chooses which replicas stop.";
  if (kind.this_host_only) out += " Replicas live on docktor's own host.";
  if (kind.fenced) out += " Several docktors may watch it, one of which acts (`high_availability`).";
  return out;
}

std::string metrics_table() {
  std::string without;
  for (const auto* k : all_kinds().targets) {
    if (!k->has_limits) without += fmt::format("{}{}", without.empty() ? "" : ", ", k->name);
  }
  std::string out = fmt::format(
      "## Metrics\n\n`cpu.avg_pct` is another name of `cpu.avg`. `queue.*` needs a `queue`, or `queues` with "
      "`queue.NAME.*` for one of them; `cpu.limit_pct` "
      "and "
      "`mem.limit_pct` need a\ntarget whose replicas have limits (not kind {}).\n\n"
      "| metric | unit | meaning |\n| --- | --- | --- |\n",
      without);
  for (const auto& m : kMetrics) out += fmt::format("| `{}` | {} | {} |\n", m.name, m.unit, m.meaning);
  return out;
}

constexpr std::string_view kIntro = R"(# Configuration

<!-- Written from the tables of keys (src/config/knob_table.cc, and the *_keys.cc of each kind). Change them there, then: cmake --build build --target configuration_reference -->

docktor reads `docktor.yaml` (or `docktor.yml`) in the working directory, or the file that `--config` names. Paths within it are
relative to the file's folder. `docktor config validate` checks it; a mistake reads
`file:line:column: what is wrong; what is allowed`, and all mistakes are told at once.

`docktor config schema > docktor.schema.json` writes a JSON Schema. With `# yaml-language-server: $schema=docktor.schema.json` as the
file's first line, editors that know it complete keys and show what they mean.

)";

std::string prose() {
  return fmt::format(
      R"(## Values

- **Precedence**: file, then environment variable, then flag; the later wins, for all services. An empty variable counts as unset.
  A relative path in a variable or flag is relative to the working directory. `--service NAME` keeps only that service of the file.
- **Variables in values**: `${{VAR}}` is the variable's value, and a mistake where it is not set; `${{VAR:-default}}` is the default where
  it is not set or empty; `$$` is a dollar sign; a `$` before anything else stays. They are put in after the YAML was read, so that
  a value never becomes structure. In flow style (`{{key: "${{VAR}}"}}`) they need quotes.
- **Durations**: `10` (seconds), `500ms`, `10s`, `2m`, `1h`, `1m30s`.
- **Secrets** may stand in the file, in a variable, or in a file of their own (`password_file`; at most {} KiB, a newline at its end
  does not count). They are never shown: `***`.
- **YAML**: one document, UTF-8, at most {} KiB. Anchors, aliases and merge keys (`<<`) work; duplicate and unknown keys are mistakes.

)",
      kMaxSecretBytes / 1024, kMaxYamlBytes / 1024);
}

std::string example(std::string_view title, std::string_view text) {
  return fmt::format("{}:\n\n```yaml\n{}```\n\n", title, text);
}

}  // namespace

std::string configuration_reference() {
  std::string out(kIntro);
  out += "## Examples\n\n";
  out += example("Thresholds on a queue, workers as processes of this host", queue_example());
  out += example("A goal in place of thresholds, down to zero replicas when idle", objective_example());
  out += example("The legacy form: one service by its CPU (up above `cpu_high`, down below `cpu_low`)",
                 legacy_example());
  out += prose();
  const auto& kinds = all_kinds();
  out += chapter_of(kTopChapter.title, kTopChapter.intro, top_keys());
  for (const auto& chapter : kServiceChapters) out += chapter_of(chapter);
  out += chapters_of(queue_sort(kinds), "services[].queue");
  out += chapter_of(
      "services[].queues[]",
      "In place of `queue`; each entry has the keys of its kind, as in `queue`, and a name. docs/queues.md "
      "tells how several are added up.",
      {queues_sort(kinds).name});
  out += chapters_of(target_sort(kinds), "services[].target, and target of the legacy form", target_traits);
  for (const auto& chapter : kLastChapters) out += chapter_of(chapter);
  out += metrics_table();
  return out;
}

}  // namespace docktor
