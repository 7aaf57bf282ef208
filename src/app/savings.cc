// `docktor savings`: what ran, from the journal, beside what others would have run for the same messages.
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/instances.h"
#include "app/progress.h"
#include "app/savings_account.h"
#include "app/terminal.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr double kHour = 3600;

std::string seconds_text(const std::optional<double>& v) {
  return v ? spoken_duration(seconds(std::min(*v, 1e9))) : "-";
}

void print_savings(const Savings& s) {
  const double fixed = s.most * s.length;
  say(stdout, "{}: {} watched, {}max_replicas {}\n", s.service,
      spoken_duration(seconds(std::round(s.length))),
      s.counted ? short_number(s.messages) + " messages, " : "", s.most);
  const double saved = fixed - s.rows.front().replica_seconds;
  say(stdout, "  {} replica-hours of {}: {:.0f}% {} {} replicas all the time\n",
      short_number(s.rows.front().replica_seconds / kHour), short_number(fixed / kHour),
      std::abs(100 * saved / fixed), saved >= 0 ? "less than" : "more than", s.most);
  fmt::print("\n  {:<18}{:>14}{:>8}{:>12}{:>12}{:>9}\n", "", "REPLICA-HOURS", "OF MAX", "MEAN WAIT",
             "P99 WAIT", s.max_wait ? "LATE" : "");
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const SavingsRow& r = s.rows[i];
    fmt::print("  {:<18}{:>14.2f}{:>7.0f}%{:>12}{:>12}{:>9}\n", r.name, r.replica_seconds / kHour,
               100 * r.replica_seconds / fixed, seconds_text(r.mean_wait),
               (i == 0 && r.p99 ? "<= " : "") + seconds_text(r.p99),
               r.late ? fmt::format("{:.2f}%", 100 * *r.late) : "");
  }
  fmt::print("\n");
  for (const auto& note : s.notes) say(stdout, "  {}\n", note);
}

}  // namespace

int savings_command(const Cli& cli) {
  const auto length = savings_length(cli.last);
  if (!length) {
    say(stderr, "docktor: --last is {}\n", length.error().message);
    return kExitUsage;
  }
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    return complain(chosen.error().message, kExitUsage);
  }
  Cli plain = cli;
  plain.config = chosen->instance.config;
  const auto config = load_for(plain);
  if (!config) return kExitUsage;
  const double since = static_cast<double>(std::time(nullptr)) - *length;
  auto all = ordered_json::array();
  int told = 0;
  for (const auto& spec : config->services) {
    std::optional<Progress> progress;
    const SavingsQuery query{.since = since,
                             .others = true,
                             .capacity = cli.capacity,
                             .progress = [&](const std::string& what, double share) {
                               if (!progress) progress.emplace(what);
                               progress->show(share);
                             }};
    const auto s = savings_of(spec, chosen->instance.journal_file(), query);
    progress.reset();
    if (!s) {
      say(stderr, "{}: {}\n", spec.name, s.error().message);
      continue;
    }
    if (cli.json) {
      all.push_back(to_json(*s));
    } else {
      if (told > 0) fmt::print("\n");
      print_savings(*s);
    }
    ++told;
  }
  if (cli.json)
    fmt::print("{}\n", to_line(ordered_json{{"last_seconds", *length}, {"services", std::move(all)}}));
  return told > 0 ? 0 : kExitFailed;
}

}  // namespace docktor
