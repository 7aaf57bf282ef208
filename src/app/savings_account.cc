#include "app/savings_account.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>

#include "app/journal_load.h"
#include "app/words.h"
#include "core/json_text.h"
#include "core/text.h"
#include "sim/contenders.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr double kLongest = 366 * 86'400.0;
constexpr double kLeastKnown = 60;  // seconds of samples, for a comparison

// The least bound below which so many of the messages waited: an estimate from the buckets of the wait.
double quantile_of(const WaitTotals& waits, double messages, double q) {
  double sum = 0;
  for (std::size_t i = 0; i < kWaitBuckets.size(); ++i) {
    sum += waits.counts[i];
    if (sum >= q * messages) return kWaitBuckets[i];
  }
  return kWaitBuckets.back();
}

SavingsRow what_ran(const JournalLoad& j, const std::optional<double>& max_wait) {
  SavingsRow row{.name = "as it ran", .replica_seconds = j.replica_seconds};
  double messages = 0;
  for (const double n : j.waits.counts) messages += n;
  if (messages < 1) return row;
  row.mean_wait = j.waits.sum / messages;
  row.p99 = quantile_of(j.waits, messages, 0.99);
  if (max_wait) row.late = j.waits.late / messages;
  return row;
}

void add_others(Savings& s, const ServiceSpec& spec, const JournalLoad& j, double capacity,
                const SavingsQuery& query) {
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
  const auto what =
      fmt::format("simulating {:.0f} messages of {}, {} policies", s.messages, s.service, contenders.size());
  if (query.progress) study.progress = [&](double share) { query.progress(what, share); };
  const auto outcomes = sim::study(study, contenders);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& r = outcomes[i].mean;
    SavingsRow row{.name = i == 0 ? fmt::format("always {}", s.most) : contenders[i].name,
                   .replica_seconds = i == 0 ? s.most * s.length : r.replica_seconds,
                   .mean_wait = r.mean,
                   .late = s.max_wait ? std::optional(r.over) : std::nullopt,
                   .p99 = r.p99};
    s.rows.push_back(std::move(row));
  }
}

}  // namespace

Result<Savings> savings_of(const ServiceSpec& spec, const std::string& journal, const SavingsQuery& query) {
  if (!spec.queue) return fail(ErrorCode::kInvalid, "a service without a queue has no messages");
  const JournalPart part{.since = query.since,
                         .skip_gaps = true,
                         .uncounted = true,
                         .max_wait = spec.objective ? std::optional(spec.objective->max_wait) : std::nullopt};
  if (std::error_code error; !std::filesystem::exists(journal, error))
    return fail(ErrorCode::kNotFound,
                "nothing is recorded yet: no daemon has run with this configuration; once one does, there is "
                "something to compare after a minute");
  const auto j = load_from_journal(journal, spec.name, part);
  if (!j) return tl::unexpected(j.error());
  Savings s{.service = spec.name,
            .length = j->watched,
            .unknown = j->counted ? j->unknown : 0,
            .messages = j->load.messages(),
            .counted = j->counted,
            .most = spec.limits.max_replicas};
  if (spec.objective) s.max_wait = to_seconds(spec.objective->max_wait);
  if (s.length < kLeastKnown)
    return fail(
        ErrorCode::kNotFound,
        fmt::format("the journal has {} of samples of {}; there is something to compare after a minute",
                    short_duration(seconds(std::round(s.length))), spec.name));
  s.rows.push_back(what_ran(*j, s.max_wait));
  if (s.unknown >= 1)
    s.notes.push_back(
        fmt::format("{} without samples are left out", short_duration(seconds(std::round(s.unknown)))));
  const double known = query.capacity > 0 ? query.capacity : j->capacity.value_or(0);
  if (query.others && j->counted && known > 0) {
    add_others(s, spec, *j, known, query);
    s.notes.push_back(
        fmt::format("all but the first row are simulated with {} messages/s a replica and a start-up of {}",
                    short_number(known), spoken_duration(seconds(j->start_up.value_or(3)))));
    s.notes.emplace_back(
        "others run with their usual settings; `docktor simulate --from-journal FILE --tuned` looks for "
        "better ones");
    return s;
  }
  s.rows.push_back({.name = fmt::format("always {}", s.most), .replica_seconds = s.most * s.length});
  if (!j->counted)
    s.notes.emplace_back(
        "this queue does not tell how many messages come, so waits are not told and others are not "
        "simulated");
  else if (query.others)
    s.notes.emplace_back(
        "what a replica carries was not learned, so others are not simulated; give --capacity RATE");
  return s;
}

ordered_json to_json(const Savings& s) {
  ordered_json j = {{"service", s.service},
                    {"seconds", s.length},
                    {"unknown_seconds", s.unknown},
                    {"max_replicas", s.most},
                    {"rows", ordered_json::array()}};
  if (s.counted) j["messages"] = s.messages;
  if (s.max_wait) j["max_wait"] = *s.max_wait;
  for (std::size_t i = 0; i < s.rows.size(); ++i) {
    const SavingsRow& r = s.rows[i];
    ordered_json row = {{"policy", r.name}, {"simulated", i > 0}, {"replica_seconds", r.replica_seconds}};
    if (r.mean_wait) row["mean_wait"] = *r.mean_wait;
    if (r.p99) row["p99_wait"] = *r.p99;
    if (r.late) row["late_share"] = *r.late;
    j["rows"].push_back(std::move(row));
  }
  j["notes"] = s.notes;
  return j;
}

Result<double> savings_length(const std::string& text) {
  const auto length = seconds_or_days(text);
  if (length && *length >= kLeastKnown && *length <= kLongest) return *length;
  return fail(ErrorCode::kInvalid, fmt::format("'{}': give 7d, 24h, 90m, from a minute to a year",
                                               plain_text(text.substr(0, 100))));
}

}  // namespace docktor
