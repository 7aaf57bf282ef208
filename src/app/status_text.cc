#include "app/status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "app/terminal.h"
#include "app/words.h"
#include "core/metric.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLabel = 17;  // "  Last decision: "

double number_in(const ordered_json& j, const char* key) {
  const auto it = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && it != j.end() && it->is_number() ? it->get<double>() : 0;
}
int count_in(const ordered_json& j, const char* key) {
  return static_cast<int>(std::clamp(number_in(j, key), 0.0, 1e9));
}
bool flag_in(const ordered_json& j, const char* key) {
  const auto it = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && it != j.end() && it->is_boolean() && it->get<bool>();
}
ordered_json part(const ordered_json& j, const char* key) {
  const auto it = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && it != j.end() ? *it : ordered_json();
}

std::string ago(double s) { return spoken_duration(seconds(std::clamp(s, 0.0, 1e9))); }

class Page {
 public:
  explicit Page(std::size_t width) : width_(width) {}

  void line(std::string_view text) { text_ += wrapped(text, width_, 2) + "\n"; }
  // "  Label:         words ...", wrapped under the words.
  void entry(std::string_view label, std::string_view words) {
    std::string head = label.empty() ? std::string() : fmt::format("  {}:", label);
    head.resize(std::max(kLabel, head.size() + 1), ' ');
    text_ += head + wrapped(words, width_, kLabel, head.size()) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::size_t width_;
  std::string text_;
};

// "queue." → "Queue", "0 waiting, 1 being processed, ..."
std::string metrics_text(const ordered_json& observation, std::string_view prefix) {
  std::string out;
  if (!observation.is_object()) return out;
  for (const auto& [key, v] : observation.items()) {
    if (!key.starts_with(prefix) || !v.is_number()) continue;
    // What is 0 nearly always is said when it is not; redelivery and open pulls are for `--json`.
    const auto one = queue_metric_named(key);
    const std::string_view metric = one ? name(one->metric) : std::string_view(key);
    const bool never = metric == "queue.lag" || metric == "queue.num_waiting";
    const bool rare = metric == "queue.dead" || metric == "queue.num_redelivered";
    if (never || (rare && v.get<double>() == 0)) continue;
    out += fmt::format("{}{}", out.empty() ? "" : ", ", metric_in_words(key, v.get<double>()));
  }
  return out;
}

void observation(Page& page, const ordered_json& s) {
  const auto seen = part(s, "observation");
  if (!s.contains("observation_age")) return page.entry("Last sample", "none yet");
  const std::string age = fmt::format("{} ago{}", ago(number_in(s, "observation_age")),
                                      flag_in(s, "stale") ? ", STALE: too old to act on" : "");
  bool first = true;
  for (const auto& [prefix, what] : {std::pair{"queue.", ""}, {"cpu.", "CPU "}, {"mem.", "memory "}}) {
    const auto text = metrics_text(seen, prefix);
    if (text.empty()) continue;
    page.entry(first ? "Last sample" : "", what + text + (first ? fmt::format(" ({})", age) : ""));
    first = false;
  }
  if (first) page.entry("Last sample", age);
}

// "unhealthy: curl failed" is a container that runs.
std::string replica_text(const ordered_json& r) {
  std::string note = text_in(r, "note"), state = text_in(r, "state");
  if (note.starts_with("unhealthy")) {
    state = "running";
    note = "health check fails" + note.substr(std::string_view("unhealthy").size());
  }
  return fmt::format("{}: {}, {}", text_in(r, "id"), state, note);
}

void learned(Page& page, const ordered_json& numbers) {
  if (!numbers.is_object()) return;
  std::string text;
  for (const char* key : {"capacity", "start_up", "rate_in"}) {
    if (number_in(numbers, key) > 0)
      text += fmt::format("{}{}", text.empty() ? "" : ", ",
                          number_in_words_of(numbers, key, number_in(numbers, key)));
  }
  if (!text.empty()) page.entry("Learned", text);
}

// What a line of its own tells of a service: other lines do not tell it again.
class Told {
 public:
  explicit Told(const ordered_json& s) : why_(text_in(s, "why_nothing_happens")) {
    for (const auto& o : part(s, "overrides")) overrides_.push_back(text_in(o, "text"));
    own_line_ = flag_in(s, "dry_run") || !part(s, "proposals").empty();
  }
  const std::string& why() const { return why_; }
  bool by_why(const std::string& text) const { return !text.empty() && why_.find(text) != std::string::npos; }
  bool by_a_line(const std::string& text) const {
    return by_why(text) || std::ranges::count(overrides_, text) > 0;
  }
  // The words of what somebody wanted are said by its own line; trouble is always shown, its detail once.
  void condition(Page& page, const ordered_json& c) const {
    const auto detail = text_in(c, "detail");
    const auto name = text_in(c, "condition");
    const auto colon = detail.starts_with("since ") ? detail.find(": ") : std::string::npos;
    const bool told = by_a_line(colon == std::string::npos ? detail : detail.substr(colon + 2));
    const bool trouble = flag_in(c, "trouble");
    if (!trouble && (told || (own_line_ && (name == "dry_run" || name == "approval")))) return;
    page.entry("Condition",
               (trouble ? "⚠ " : "") + text_in(c, "words") + (detail.empty() || told ? "" : ": " + detail));
  }

 private:
  std::string why_;
  std::vector<std::string> overrides_;
  bool own_line_ = false;
};

void decision(Page& page, const ordered_json& s, const Told& told) {
  const auto d = part(s, "last_decision");
  if (!d.is_object())
    return page.entry("Last decision",
                      fmt::format("none yet (next in {})", ago(number_in(s, "next_check_in"))));
  const std::string outcome = text_in(d, "outcome");
  page.entry(
      "Last decision",
      fmt::format("{} {} → {}, {} ago{} (id {})", text_in(d, "decision"), count_in(d, "current_replicas"),
                  count_in(d, "target_replicas"), ago(number_in(d, "age")),
                  outcome.empty() || outcome == "none" ? "" : ", " + outcome, text_in(d, "id")));
  // The reason of a hold is why nothing happens, which is said below.
  if (!told.by_a_line(text_in(d, "reason"))) page.entry("", text_in(d, "reason"));
  if (const auto error = text_in(d, "error"); !error.empty() && !told.by_why(error)) page.entry("", error);
}

void add_service(Page& page, const ordered_json& s) {
  page.line("");
  page.line("Service: " + text_in(s, "service"));
  std::string more;
  for (const char* key : {"failing", "stopping"}) {
    if (count_in(s, key) > 0) more += fmt::format(", {} {}", count_in(s, key), key);
  }
  page.entry("Replicas", fmt::format("{} ready, {} starting, {} wanted{}  (bounds {}..{})",
                                     count_in(s, "ready"), count_in(s, "starting"), count_in(s, "wanted"),
                                     more, count_in(s, "min_replicas"), count_in(s, "max_replicas")));
  const Told told(s);
  for (const auto& c : part(s, "conditions")) told.condition(page, c);
  if (s.contains("schedule")) {
    const auto schedule = part(s, "schedule");
    const auto next = part(schedule, "next");
    auto now = text_in(schedule, "in_effect");
    if (now.starts_with("schedule ")) now.erase(0, now.find(' ') + 1);  // the label says it
    const auto then = next.is_object() ? fmt::format("{}..{} from {}", count_in(next, "min_replicas"),
                                                     count_in(next, "max_replicas"), text_in(next, "shown"))
                                       : std::string("no other bounds to come");
    page.entry("Schedule", now.empty() ? "next: " + then : fmt::format("{}; then {}", now, then));
  }
  if (flag_in(s, "dry_run") && !told.by_why("dry run"))
    page.entry("Dry run", "decisions are shown, not carried out");
  for (const auto& o : part(s, "overrides")) {
    if (const auto text = text_in(o, "text"); !told.by_why(text)) page.entry("Override", text);
  }
  for (const auto& p : part(s, "proposals")) {
    page.entry("Proposal", fmt::format("{}: {} → {}, by {}, {} ago: {}", text_in(p, "id"),
                                       count_in(p, "current_replicas"), count_in(p, "target_replicas"),
                                       text_in(p, "by"), ago(number_in(p, "age")), text_in(p, "reason")));
  }
  for (const auto& r : part(s, "replicas")) {
    if (r.contains("note")) page.entry("", replica_text(r));
  }
  if (s.contains("queue")) page.entry("Queue", text_in(s, "queue"));
  observation(page, s);
  learned(page, part(s, "learned"));
  decision(page, s, told);
  for (const auto& n : part(s, "notes")) {
    if (n.is_string()) page.entry("Note", n.get<std::string>());
  }
  if (!told.why().empty()) page.entry("Why nothing happens", told.why());
}

std::string leader_text(const ordered_json& leader) {
  const auto name = text_in(leader, "name");
  if (flag_in(leader, "leads")) return name + ", which is this docktor";
  return name.empty() ? "nobody yet" : name + "; this docktor follows and orders nothing";
}

}  // namespace

std::string status_text(const ordered_json& answer, std::size_t width) {
  Page page(width);
  page.line(fmt::format("docktor {} running, pid {}, up {}", text_in(answer, "version"),
                        text_in(answer, "pid"), ago(number_in(answer, "uptime"))));
  page.line("Mode: " + (answer.contains("mode") ? text_in(answer, "mode") : "AUTONOMOUS"));
  page.line("Config: " + text_in(answer, "config"));
  if (answer.contains("leader")) page.line("Leader: " + leader_text(part(answer, "leader")));
  if (const auto model = text_in(answer, "model"); !model.empty()) page.line("Model: " + model);
  if (const auto why = text_in(answer, "reload_error"); !why.empty()) {
    page.line("⚠ The last reload was refused; the previous configuration is still used:");
    page.line(why);
  }
  if (const auto starting = text_in(answer, "starting"); !starting.empty()) page.line(starting);
  for (const auto& t : part(answer, "troubles")) {
    if (t.is_string()) page.line("⚠ " + t.get<std::string>());
  }
  for (const auto& t : part(answer, "left_running")) {
    if (t.is_string()) page.line("⚠ Left running, no longer in the configuration: " + t.get<std::string>());
  }
  for (const auto& s : part(answer, "services")) {
    if (s.is_object()) add_service(page, s);
  }
  return page.take();
}

}  // namespace docktor
