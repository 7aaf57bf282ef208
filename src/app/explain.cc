// `docktor explain`: the journal as a table, or every number behind one decision.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/decisions.h"
#include "app/instances.h"
#include "app/terminal.h"
#include "app/words.h"
#include "core/record.h"
#include "core/rfc3339.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

std::string change(const ordered_json& r) {
  return fmt::format("{}→{}", text_in(r, "current_replicas"), text_in(r, "target_replicas"));
}

double instant(const ordered_json& r) {
  const auto it = r.find("t");
  return it != r.end() && it->is_number() ? it->get<double>() : 0;
}

// As clocks on the wall showed it; the rest of a record counts by docktor's own, which nobody sets.
double written(const ordered_json& r) {
  const auto at = parse_rfc3339(text_in(r, "ts"));
  return at ? to_seconds(*at) : instant(r);
}

// What became of it: a decision of `--manual` or `--dry-run` was not carried out.
std::string outcome(const ordered_json& r) {
  const auto text = text_in(r, "outcome");
  return text.empty() || text == "none" ? "-" : text;
}

std::string reason(const ordered_json& r) {
  std::string text = text_in(r, "reason");
  if (text_in(r, "outcome") == "failed") text += " — FAILED: " + text_in(r, "error");
  std::ranges::replace(text, '\n', ' ');  // a record a line, whatever an engine answered
  return text;
}

std::string padded(std::string text, std::size_t width) {
  const auto columns = columns_of(text);
  if (columns < width) text.append(width - columns, ' ');
  return text;
}

// A record a line, as the reader of a pipe wants it; on a terminal that is too narrow the reason follows,
// wrapped.
void print_decisions(const std::vector<ordered_json>& records) {
  std::vector<std::vector<std::string>> rows{{"TIME (" + zone_text(written(records.back())) + ")", "SERVICE",
                                              "DECISION", "FROM→TO", "OUTCOME", "ID"}};
  for (const auto& r : records) {
    rows.push_back({local_time(written(r)), text_in(r, "service"), text_in(r, "decision"), change(r),
                    outcome(r), text_in(r, "id")});
  }
  std::vector<std::size_t> widths(rows[0].size());
  std::size_t all = 0;
  for (std::size_t c = 0; c < widths.size(); ++c) {
    for (const auto& row : rows) widths[c] = std::max(widths[c], columns_of(row[c]));
    all += widths[c] + 2;
  }
  constexpr std::size_t kLeastReason = 50;
  const std::size_t width = Terminal::of(stdout).width;
  const bool below = width > 0 && all + kLeastReason > width;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string line;
    for (std::size_t c = 0; c < widths.size(); ++c) line += padded(rows[i][c], widths[c] + 2);
    const std::string why = i == 0 ? (below ? "" : "REASON") : reason(records[i - 1]);
    if (below) {
      while (line.ends_with(' ')) line.pop_back();
      if (i > 0) line += "\n    " + wrapped(why, width, 4, 4);
    } else {
      line += wrapped(why, width, all, all);
    }
    fmt::print("{}\n", line);
  }
}

// Whose decisions the newest part of the journal has.
std::vector<std::string> services_in(const std::string& journal) {
  constexpr std::size_t kMostRecords = 2000;
  std::set<std::string> names;
  for (const auto& r : find_decisions(journal, {"", "", false, kMostRecords}))
    names.insert(text_in(r, "service"));
  names.erase("");
  return {names.begin(), names.end()};
}

void print_list(const char* title, const ordered_json& list,
                const std::function<std::string(const ordered_json&)>& line) {
  if (!list.is_array() || list.empty()) return;
  say(stdout, "{}:\n", title);
  for (const auto& item : list) say(stdout, "  {}\n", line(item));
}

// "name  value" in columns; `words`, where given, says what a number counts, with its unit.
void print_object(const char* title, const ordered_json& object,
                  const std::function<std::string(std::string_view, double)>& words = {}) {
  if (!object.is_object() || object.empty()) return;
  say(stdout, "{}:\n", title);
  std::size_t width = 0;
  for (const auto& [key, v] : object.items()) width = std::max(width, key.size());
  for (const auto& [key, v] : object.items()) {
    const std::string value = words && v.is_number() ? words(key, v.get<double>())
                              : v.is_string()        ? v.get<std::string>()
                                                     : v.dump();
    const bool named = value.starts_with(key + " ");  // a name that has no words repeats itself
    say(stdout, "  {:<{}}  {}\n", key, width, named ? value.substr(key.size() + 1) : value);
  }
}

// "verdict not_asked, provider none" say nothing where no model is configured.
ordered_json without_absent_model(ordered_json metadata) {
  if (!metadata.is_object()) return metadata;
  const bool none = text_in(metadata, "provider") == "none" || text_in(metadata, "model").empty();
  for (auto it = metadata.begin(); it != metadata.end();) {
    const bool about_model = it.key() == "provider" || it.key() == "model" || it.key() == "verdict";
    if (none && about_model)
      it = metadata.erase(it);
    else
      ++it;
  }
  return metadata;
}

// The samples' own names, which are those of NATS; a line each, wrapped.
std::string sample_line(const ordered_json& i, double at) {
  std::string line = fmt::format("{:+.3f} s ", instant(i) - at);
  const auto add = [&](const ordered_json& object, const std::string& before) {
    if (!object.is_object()) return;
    for (const auto& [k, v] : object.items())
      line +=
          fmt::format(" {}{}={}", before, k, v.is_number_float() ? short_number(v.get<double>()) : v.dump());
  };
  const auto part = [&](const char* key) { return i.value(key, ordered_json::object()); };
  add(part("queue"), "");
  const auto queues = part("queues");
  for (const auto& [name, queue] : queues.items()) add(queue, name + ".");
  add(part("cpu"), "cpu.");
  return line;
}

void print_one(const ordered_json& r) {
  const auto part = [&](const char* key) { return r.contains(key) ? r.at(key) : ordered_json(); };
  const auto entry = [](const char* label, const std::string& text) {
    say(stdout, "  {:<10} {}\n", fmt::format("{}:", label), text);
  };
  say(stdout, "Decision {}\n", text_in(r, "id"));
  entry("Time", fmt::format("{} {}", local_time(written(r)), zone_text(written(r))));
  entry("Service", text_in(r, "service"));
  entry("Decision", text_in(r, "decision") + " " + change(r));
  entry("Reason", text_in(r, "reason"));
  const auto took = r.find("duration");
  const bool acted = outcome(r) != "-";
  entry("Outcome", (acted ? outcome(r) : "nothing to do") +
                       (r.contains("error") ? ": " + text_in(r, "error") : "") +
                       (acted && took != r.end() && took->is_number()
                            ? fmt::format(" after {}", spoken_duration(seconds(took->get<double>())))
                            : ""));
  if (r.contains("by")) entry("By", text_in(r, "by"));
  if (r.contains("explanation")) entry("A model", fmt::format("\"{}\"", text_in(r, "explanation")));
  if (const auto advice = part("advice"); advice.is_object())
    entry("Advice", fmt::format("{} \"{}\"", text_in(advice, "action"), text_in(advice, "reason")));
  print_object("Observations (means over metrics_window)", part("observations"), metric_in_words);
  print_list("Rules that held", part("matched_rules"), [](const ordered_json& m) {
    return fmt::format("{}: {} {} {}, seen {}", text_in(m, "when"), text_in(m, "metric"), text_in(m, "op"),
                       text_in(m, "value"), text_in(m, "seen"));
  });
  print_list("Limits that changed the outcome", part("limits"), [](const ordered_json& l) {
    return fmt::format("{}: {} → {} ({})", text_in(l, "limit"), text_in(l, "from"), text_in(l, "to"),
                       text_in(l, "detail"));
  });
  print_object("Numbers of the policy (docs/objective.md)", part("numbers"),
               [numbers = part("numbers")](std::string_view name, double v) {
                 return number_in_words_of(numbers, name, v);
               });
  print_object("Replicas when it was made", part("replicas"));
  print_object("Overrides", part("overrides"));
  print_object("Metadata", without_absent_model(part("metadata")));
  print_list("Samples since the decision before", part("inputs"),
             [at = instant(r)](const ordered_json& i) { return sample_line(i, at); });
}

bool has_journal(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) || std::filesystem::exists(path + ".1", error);
}

int no_such_service(const std::string& service, const char* who, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  const auto near = did_you_mean(service, names);
  say(stderr, "docktor: no decision of a service '{}'; {}\n", service,
      near ? fmt::format("did you mean {}?", *near)
           : fmt::format("the {} has: {}", who, fmt::join(known, ", ")));
  return kExitFailed;
}

// The exit code where the configuration cannot be read, is wrong or has no such service, which is printed; else 0.
int wrong_configuration(const Cli& cli, const Instance& instance) {
  Cli plain;  // the service is not one that is to be added
  plain.cwd = cli.cwd;
  plain.config = cli.config ? *cli.config : instance.config;
  const auto config = load_for(plain);
  if (!config) return kExitUsage;
  std::vector<std::string> names;
  for (const auto& s : config->services) names.push_back(s.name);
  const bool known = cli.service.empty() || std::ranges::count(names, cli.service) > 0;
  return known ? 0 : no_such_service(cli.service, "configuration", names);
}

}  // namespace

int explain_command(const Cli& cli) {
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    return complain(chosen.error().message, kExitUsage);
  }
  const std::string path = chosen->instance.journal_file();
  const auto records = find_decisions(
      path, {cli.service, cli.id, cli.changes, cli.tail < 0 ? 20 : static_cast<std::size_t>(cli.tail)});
  // Without a journal a name that was mistyped would look like a daemon that has decided nothing yet.
  if (records.empty() && !chosen->running && !has_journal(path)) {
    if (const int wrong = wrong_configuration(cli, chosen->instance)) return wrong;
  }
  if (!cli.id.empty() && records.empty()) {
    say(stderr, "docktor: no decision '{}' in {}; `docktor explain` lists the last ones with their ids\n",
        cli.id, path);
    return kExitFailed;
  }
  if (cli.json) {
    for (const auto& r : records) fmt::print("{}\n", to_line(r));
    return 0;
  }
  if (!cli.id.empty()) {
    print_one(records[0]);
    return 0;
  }
  if (records.empty() && cli.tail == 0) return 0;  // none were asked for
  if (records.empty() && !cli.service.empty()) {
    if (const auto known = services_in(path); !known.empty() && std::ranges::count(known, cli.service) == 0) {
      return no_such_service(cli.service, "journal", known);
    }
  }
  if (records.empty()) {
    say(stdout, "No decisions{} in {} yet.\n",
        cli.service.empty() ? "" : fmt::format(" of service '{}'", cli.service), path);
    return 0;
  }
  print_decisions(records);
  say(stdout, "Showing the last {}{}; `docktor explain ID` shows every number behind one.\n", records.size(),
      cli.service.empty() ? "" : " of " + cli.service);
  return 0;
}

}  // namespace docktor
