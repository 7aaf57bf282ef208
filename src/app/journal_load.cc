#include "app/journal_load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "app/words.h"
#include "control/file_journal.h"
#include "core/flow.h"
#include "core/record.h"

namespace docktor {
namespace {

// Longer without a sample than this, and nobody can say how the arrivals lay in between.
constexpr double kLongestGap = 120;

std::optional<double> number_of(const nlohmann::ordered_json& record, const char* name) {
  const auto numbers = record.find("numbers");
  if (numbers == record.end() || !numbers->is_object()) return std::nullopt;
  const auto it = numbers->find(name);
  if (it == numbers->end() || !it->is_number()) return std::nullopt;
  const double v = it->get<double>();
  return v > 0 && v < 1e9 ? std::optional(v) : std::nullopt;
}

// Messages per second that each ready replica got through while there was a backlog: what it can do, or a
// little less. Rules learn no capacity, and this is all that their records tell of it.
std::optional<double> carried(const nlohmann::ordered_json& record) {
  const auto in = [&](const char* object, const char* key) {
    const auto o = record.find(object);
    if (o == record.end() || !o->is_object()) return 0.0;
    const auto v = o->find(key);
    return v != o->end() && v->is_number() ? v->get<double>() : 0.0;
  };
  const double ready = in("replicas", "ready"), rate = in("observations", "queue.rate_out");
  if (ready < 1 || rate <= 0 || rate > 1e9 || in("observations", "queue.backlog") <= 0) return std::nullopt;
  return rate / ready;
}

// What a journal has of a service whose samples were looked for in vain.
struct Known {
  std::set<std::string> services;  // all that have records
  std::optional<double> begins;    // its first record, Unix seconds
  std::optional<double> sampled;   // its last sample
};

Known known_of(const std::string& path, const std::string& service) {
  Known known;
  (void)read_journal(path, [&](const nlohmann::ordered_json& record) {
    auto name = record.value("service", "");
    if (name.empty()) return true;
    const bool meant = service.empty() || name == service;
    known.services.insert(std::move(name));
    if (!meant) return true;
    if (const auto t = record.find("t"); !known.begins && t != record.end() && t->is_number())
      known.begins = t->get<double>();
    const auto inputs = record.find("inputs");
    if (inputs == record.end() || !inputs->is_array()) return true;
    for (const auto& line : *inputs) {
      const auto input = input_from_json(nlohmann::json(line));
      if (input && input->second.queue) known.sampled = to_seconds(input->second.at);
    }
    return true;
  });
  return known;
}

// Why there is nothing to tell of it, since when, and what to do.
Error nothing_of(const std::string& path, const std::string& service, const JournalPart& part) {
  const Known known = known_of(path, service);
  const std::string whose = service.empty() ? "" : " of service " + service;
  const auto error = [](std::string text) { return Error{ErrorCode::kNotFound, std::move(text)}; };
  if (known.services.empty())
    return error(fmt::format("{} has no records; a daemon writes one for each evaluation", path));
  if (!service.empty() && !known.services.contains(service))
    return error(fmt::format("nothing is recorded yet{}: {} has only {}; it begins once a daemon scales it",
                             whose, path, fmt::join(known.services, ", ")));
  if (known.sampled && *known.sampled < part.since)
    return error(
        fmt::format("nothing is recorded{} since {}: its last sample is of {}; ask for a longer time", whose,
                    local_time(part.since), local_time(*known.sampled)));
  return error(fmt::format(
      "nothing is recorded yet of the queue{}: {}{} has no answer of it; `docktor daemon status` says "
      "why",
      whose, path, known.begins ? ", which begins at " + local_time(*known.begins) + "," : ""));
}

struct Ran {
  double length = 0, replica_seconds = 0;
  int peak = 0;
};

void add(Ran& ran, int replicas, double length) {
  ran.length += length;
  ran.replica_seconds += replicas * length;
  ran.peak = std::max(ran.peak, replicas);
}

}  // namespace

Result<JournalLoad> load_from_journal(const std::string& path, const std::string& service,
                                      const JournalPart& part) {
  JournalLoad out;
  std::set<std::string> services;
  std::optional<Input> last;
  double first = 0;
  double most_carried = 0, skipped = 0;
  Ran ran, all;  // while what came is known; while anybody watched
  WaitMeter meter(part.max_wait);
  auto& rows = out.load.rows;
  const auto take = [&](const nlohmann::ordered_json& record) {
    const std::string name = record.value("service", "");
    if (!name.empty()) services.insert(name);
    if (!service.empty() && name != service) return true;
    if (const auto v = number_of(record, "capacity")) out.capacity = v;
    if (const auto v = number_of(record, "start_up")) out.start_up = v;
    if (const auto v = carried(record)) most_carried = std::max(most_carried, *v);
    const auto inputs = record.find("inputs");
    if (inputs == record.end() || !inputs->is_array()) return true;
    for (const auto& line : *inputs) {
      auto input = input_from_json(nlohmann::json(line));
      if (!input || !input->second.queue) continue;
      Input& now = input->second;
      if ((last && now.at <= last->at) || to_seconds(now.at) < part.since) continue;
      Observation seen;
      seen.queue_at = now.at;
      seen.queue = *now.queue;
      if (!last) {
        out.begins = first = to_seconds(now.at);
      } else {
        const Duration length = now.at - last->at;
        const auto flow = flow_between(*last->queue, *now.queue, length);
        const bool watched = to_seconds(length) <= kLongestGap;
        const bool told = flow.flow && watched;
        if (told) {
          out.counted = true;
          seen.flow = flow.flow;
          add(ran, last->replicas.current, to_seconds(length));
        } else {
          out.unknown += to_seconds(length);
        }
        if (watched) add(all, last->replicas.current, to_seconds(length));
        if (told || !part.skip_gaps)
          rows.push_back(
              {to_seconds(last->at) - first - skipped, told ? flow.flow->arrivals / to_seconds(length) : 0});
        if (!told && part.skip_gaps) skipped += to_seconds(length);
      }
      meter.observe(seen, out.waits);
      last = std::move(now);
    }
    return true;
  };
  const auto read = read_journal(path, take, lines_of(service, part.since));
  if (!read) return tl::unexpected(read.error());
  if (service.empty() && services.size() > 1)
    return fail(ErrorCode::kInvalid, fmt::format("{} has several services; name one: --service {}", path,
                                                 fmt::join(services, " | ")));
  if (!last) return tl::unexpected(nothing_of(path, service, part));
  const std::string whose = service.empty() ? "" : " of service " + service;
  const Ran& told = out.counted ? ran : all;
  out.watched = told.length;
  out.replica_seconds = told.replica_seconds;
  out.peak_replicas = told.peak;
  if (!out.counted && !part.uncounted)
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{} does not tell what came to the queue{}: no two samples in a row count messages. SQS, "
                    "plain lists and most job frameworks never do; give such a load to docktor simulate with "
                    "--trace",
                    path, whose));
  if (!out.capacity && most_carried > 0) out.capacity = most_carried;
  rows.push_back({to_seconds(last->at) - first - skipped, 0});
  out.load.name = fmt::format("{} of {}", service.empty() ? *services.begin() : service, path);
  return out;
}

}  // namespace docktor
