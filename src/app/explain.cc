// `docktor explain`: the journal as a table, or every number behind one decision.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "app/commands.h"
#include "app/decisions.h"
#include "app/instances.h"
#include "core/record.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& j, const char* key) {
  const auto it = j.find(key);
  return it == j.end() ? "" : it->is_string() ? it->get<std::string>() : it->dump();
}

std::string change(const ordered_json& r) {
  return fmt::format("{}→{}", text_of(r, "current_replicas"), text_of(r, "target_replicas"));
}

void print_table(const std::vector<ordered_json>& records) {
  std::size_t service = 7, decision = 8, from_to = 7, id = 2;
  for (const auto& r : records) {
    service = std::max(service, text_of(r, "service").size());
    decision = std::max(decision, text_of(r, "decision").size());
    from_to = std::max(from_to, change(r).size() - 2);  // the arrow is three bytes and one column
    id = std::max(id, text_of(r, "id").size());
  }
  fmt::print("{:<20}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  REASON\n", "TIME", "SERVICE", service, "DECISION",
             decision, "FROM→TO", from_to + 2, "ID", id);
  for (const auto& r : records) {
    std::string reason = text_of(r, "reason");
    if (text_of(r, "outcome") == "failed") reason += " — FAILED: " + text_of(r, "error");
    fmt::print("{:<20}  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {}\n", text_of(r, "ts"), text_of(r, "service"),
               service, text_of(r, "decision"), decision, change(r), from_to + 2, text_of(r, "id"), id,
               reason);
  }
}

void print_list(const char* title, const ordered_json& list,
                const std::function<std::string(const ordered_json&)>& line) {
  if (!list.is_array() || list.empty()) return;
  fmt::print("{}:\n", title);
  for (const auto& item : list) fmt::print("  {}\n", line(item));
}

void print_object(const char* title, const ordered_json& object) {
  if (!object.is_object() || object.empty()) return;
  fmt::print("{}:\n", title);
  std::size_t width = 0;
  for (const auto& [key, v] : object.items()) width = std::max(width, key.size());
  for (const auto& [key, v] : object.items()) {
    fmt::print("  {:<{}}  {}\n", key, width, v.is_string() ? v.get<std::string>() : v.dump());
  }
}

void print_one(const ordered_json& r) {
  const auto part = [&](const char* key) { return r.contains(key) ? r.at(key) : ordered_json(); };
  fmt::print("Decision {}\n", text_of(r, "id"));
  fmt::print("  Time:      {}\n", text_of(r, "ts"));
  fmt::print("  Service:   {}\n", text_of(r, "service"));
  fmt::print("  Decision:  {} {}\n", text_of(r, "decision"), change(r));
  fmt::print("  Reason:    {}\n", text_of(r, "reason"));
  fmt::print("  Outcome:   {}{} after {} s\n", text_of(r, "outcome"),
             r.contains("error") ? ": " + text_of(r, "error") : "", text_of(r, "duration"));
  if (r.contains("by")) fmt::print("  By:        {}\n", text_of(r, "by"));
  if (r.contains("explanation")) fmt::print("  A model:   \"{}\"\n", text_of(r, "explanation"));
  if (const auto advice = part("advice"); advice.is_object())
    fmt::print("  Advice:    {} \"{}\"\n", text_of(advice, "action"), text_of(advice, "reason"));
  print_object("Observations (means over metrics_window)", part("observations"));
  print_list("Rules that held", part("matched_rules"), [](const ordered_json& m) {
    return fmt::format("{}: {} {} {}, seen {}", text_of(m, "when"), text_of(m, "metric"), text_of(m, "op"),
                       text_of(m, "value"), text_of(m, "seen"));
  });
  print_list("Limits that changed the outcome", part("limits"), [](const ordered_json& l) {
    return fmt::format("{}: {} → {} ({})", text_of(l, "limit"), text_of(l, "from"), text_of(l, "to"),
                       text_of(l, "detail"));
  });
  print_object("Numbers of the policy", part("numbers"));
  print_object("Replicas when it was made", part("replicas"));
  print_object("Overrides", part("overrides"));
  print_object("Metadata", part("metadata"));
  const double at = r.value("t", 0.0);
  print_list("Samples since the decision before", part("inputs"), [&](const ordered_json& i) {
    std::string line = fmt::format("{:+.3f} s ", i.value("t", 0.0) - at);
    for (const char* key : {"queue", "cpu"}) {
      if (!i.contains(key)) continue;
      for (const auto& [k, v] : i.at(key).items())
        line += fmt::format(" {}{}={}", key == std::string_view("cpu") ? "cpu." : "", k, v.dump());
    }
    return line;
  });
}

}  // namespace

int explain_command(const Cli& cli) {
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    fmt::print(stderr, "docktor: {}\n", chosen.error().message);
    return kExitUsage;
  }
  const std::string path = chosen->instance.journal_file();
  const auto records = find_decisions(
      path, {cli.service, cli.id, cli.changes, cli.tail < 0 ? 20 : static_cast<std::size_t>(cli.tail)});
  if (!cli.id.empty() && records.empty()) {
    fmt::print(stderr,
               "docktor: no decision '{}' in {}; `docktor explain` lists the last ones with their ids\n",
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
  if (records.empty()) {
    fmt::print("No decisions{} in {} yet.\n",
               cli.service.empty() ? "" : fmt::format(" of service '{}'", cli.service), path);
    return 0;
  }
  print_table(records);
  fmt::print("Showing the last {}{}; `docktor explain ID` shows every number behind one.\n", records.size(),
             cli.service.empty() ? "" : " of " + cli.service);
  return 0;
}

}  // namespace docktor
