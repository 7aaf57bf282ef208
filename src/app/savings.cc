// `docktor savings`: what ran, from the journal, beside what others would have run for the same messages.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/instances.h"
#include "app/journal_load.h"
#include "app/progress.h"
#include "app/terminal.h"
#include "core/record.h"
#include "core/text.h"
#include "sim/contenders.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr double kHour = 3600;
constexpr double kLongest = 366 * 86'400.0;
constexpr double kLeastKnown = 60;  // seconds of samples, for a comparison

struct Row {
  std::string name;
  double replica_seconds = 0;
  std::optional<double> mean_wait, late;  ///< seconds; share
  std::optional<double> p99;
};

struct Savings {
  std::string service;
  double length = 0, unknown = 0, messages = 0;
  int most = 0;
  std::optional<double> max_wait;
  std::vector<Row> rows;  ///< what ran, then the others
  std::vector<std::string> notes;
};

// "7d", beside what durations take.
std::optional<double> length_of(const std::string& text) {
  if (text.ends_with('d')) {
    const auto days = text.substr(0, text.size() - 1);
    return is_whole_number(days) && days.size() < 5 ? std::optional(std::stod(days) * 86'400) : std::nullopt;
  }
  return parse_seconds(text);
}

// The least bound below which so many of the messages waited: an estimate from the buckets of the wait.
double quantile_of(const WaitTotals& waits, double messages, double q) {
  double sum = 0;
  for (std::size_t i = 0; i < kWaitBuckets.size(); ++i) {
    sum += waits.counts[i];
    if (sum >= q * messages) return kWaitBuckets[i];
  }
  return kWaitBuckets.back();
}

Row what_ran(const JournalLoad& j, const std::optional<double>& max_wait) {
  Row row{.name = "as it ran", .replica_seconds = j.replica_seconds};
  double messages = 0;
  for (const double n : j.waits.counts) messages += n;
  if (messages < 1) return row;
  row.mean_wait = j.waits.sum / messages;
  row.p99 = quantile_of(j.waits, messages, 0.99);
  if (max_wait) row.late = j.waits.late / messages;
  return row;
}

void add_others(Savings& s, const ServiceSpec& spec, const JournalLoad& j, double capacity) {
  sim::StudySpec study;
  study.load = &j.load;
  study.world.worker.service_mean = 1 / capacity;
  study.world.worker.startup_mean = j.start_up.value_or(3);
  study.world.worker.startup_sd = study.world.worker.startup_mean / 4;
  study.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const peers::Known known{capacity, study.world.worker.startup_mean};
  std::vector<sim::Contender> contenders;
  auto names = sim::contender_names(spec);
  names.insert(names.begin(), fmt::format("static:{}", s.most));
  for (const auto& name : names) {
    auto c = sim::contender(name, spec, known);
    const bool blind = name == "rules" && spec.uses_cpu();
    if (blind) s.notes.emplace_back("its rules need CPU or memory, which no simulation of a queue has");
    if (c && !blind) contenders.push_back(std::move(*c));
  }
  Progress progress(
      fmt::format("simulating {:.0f} messages of {}, {} policies", s.messages, s.service, contenders.size()));
  study.progress = [&](double share) { progress.show(share); };
  const auto outcomes = sim::study(study, contenders);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& r = outcomes[i].mean;
    Row row{.name = i == 0 ? fmt::format("always {}", s.most) : contenders[i].name,
            .replica_seconds = i == 0 ? s.most * s.length : r.replica_seconds,
            .mean_wait = r.mean,
            .late = s.max_wait ? std::optional(r.over) : std::nullopt,
            .p99 = r.p99};
    s.rows.push_back(std::move(row));
  }
}

Result<Savings> savings_of(const ServiceSpec& spec, const std::string& journal, double since,
                           double capacity) {
  const JournalPart part{.since = since,
                         .skip_gaps = true,
                         .max_wait = spec.objective ? std::optional(spec.objective->max_wait) : std::nullopt};
  const auto j = load_from_journal(journal, spec.name, part);
  if (!j) return tl::unexpected(j.error());
  Savings s{.service = spec.name,
            .length = j->load.length(),
            .unknown = j->unknown,
            .messages = j->load.messages(),
            .most = spec.limits.max_replicas};
  if (spec.objective) s.max_wait = to_seconds(spec.objective->max_wait);
  if (s.length < kLeastKnown)
    return fail(
        ErrorCode::kNotFound,
        fmt::format("the journal has {} of samples of {}; there is something to compare after a minute",
                    short_duration(seconds(std::round(s.length))), spec.name));
  s.rows.push_back(what_ran(*j, s.max_wait));
  if (j->unknown >= 1)
    s.notes.push_back(
        fmt::format("{} without samples are left out", short_duration(seconds(std::round(j->unknown)))));
  const double known = capacity > 0 ? capacity : j->capacity.value_or(0);
  if (known > 0) {
    add_others(s, spec, *j, known);
    s.notes.push_back(
        fmt::format("all but the first row are simulated with {} messages/s a replica and a start-up of {}",
                    short_number(known), spoken_duration(seconds(j->start_up.value_or(3)))));
    s.notes.emplace_back(
        "others run with their usual settings; `docktor simulate --from-journal FILE --tuned` looks for "
        "better ones");
  } else {
    s.rows.push_back({.name = fmt::format("always {}", s.most), .replica_seconds = s.most * s.length});
    s.notes.emplace_back(
        "what a replica carries was not learned, so others are not simulated; give --capacity RATE");
  }
  return s;
}

std::string seconds_text(const std::optional<double>& v) {
  return v ? spoken_duration(seconds(std::min(*v, 1e9))) : "-";
}

void print_table(const Savings& s) {
  const double fixed = s.most * s.length;
  say(stdout, "{}: {} watched, {} messages, max_replicas {}\n", s.service,
      spoken_duration(seconds(std::round(s.length))), short_number(s.messages), s.most);
  const double saved = fixed - s.rows.front().replica_seconds;
  say(stdout, "  {} replica-hours of {}: {:.0f}% {} {} replicas all the time\n",
      short_number(s.rows.front().replica_seconds / kHour), short_number(fixed / kHour),
      std::abs(100 * saved / fixed), saved >= 0 ? "less than" : "more than", s.most);
  fmt::print("\n  {:<18}{:>14}{:>8}{:>12}{:>12}{:>9}\n", "", "REPLICA-HOURS", "OF MAX", "MEAN WAIT",
             "P99 WAIT", s.max_wait ? "LATE" : "");
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const Row& r = s.rows[i];
    fmt::print("  {:<18}{:>14.2f}{:>7.0f}%{:>12}{:>12}{:>9}\n", r.name, r.replica_seconds / kHour,
               100 * r.replica_seconds / fixed, seconds_text(r.mean_wait),
               (i == 0 && r.p99 ? "<= " : "") + seconds_text(r.p99),
               r.late ? fmt::format("{:.2f}%", 100 * *r.late) : "");
  }
  fmt::print("\n");
  for (const auto& note : s.notes) say(stdout, "  {}\n", note);
}

ordered_json as_json(const Savings& s) {
  ordered_json j = {{"service", s.service},   {"seconds", s.length},    {"unknown_seconds", s.unknown},
                    {"messages", s.messages}, {"max_replicas", s.most}, {"rows", ordered_json::array()}};
  if (s.max_wait) j["max_wait"] = *s.max_wait;
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const Row& r = s.rows[i];
    ordered_json row = {{"policy", r.name}, {"simulated", i > 0}, {"replica_seconds", r.replica_seconds}};
    if (r.mean_wait) row["mean_wait"] = *r.mean_wait;
    if (r.p99) row["p99_wait"] = *r.p99;
    if (r.late) row["late_share"] = *r.late;
    j["rows"].push_back(std::move(row));
  }
  j["notes"] = s.notes;
  return j;
}

}  // namespace

int savings_command(const Cli& cli) {
  const auto length = length_of(cli.last);
  if (!length || *length < kLeastKnown || *length > kLongest) {
    say(stderr, "docktor: --last is '{}'; give 7d, 24h, 90m, from a minute to a year\n", cli.last);
    return kExitUsage;
  }
  const auto chosen = choose_instance(cli);
  if (!chosen) {
    say(stderr, "docktor: {}\n", chosen.error().message);
    return kExitUsage;
  }
  Cli plain = cli;
  plain.config = chosen->instance.config;
  const auto config = load_for(plain);
  if (!config) return kExitUsage;
  const double since = static_cast<double>(std::time(nullptr)) - *length;
  auto all = ordered_json::array();
  int told = 0;
  for (const auto& spec : config->services) {
    const auto s =
        spec.queue ? savings_of(spec, chosen->instance.journal_file(), since, cli.capacity)
                   : Result<Savings>(fail(ErrorCode::kInvalid, "a service without a queue has no messages"));
    if (!s) {
      say(stderr, "{}: {}\n", spec.name, s.error().message);
      continue;
    }
    if (cli.json) {
      all.push_back(as_json(*s));
    } else {
      if (told > 0) fmt::print("\n");
      print_table(*s);
    }
    ++told;
  }
  if (cli.json)
    fmt::print("{}\n", to_line(ordered_json{{"last_seconds", *length}, {"services", std::move(all)}}));
  return told > 0 ? 0 : kExitFailed;
}

}  // namespace docktor
