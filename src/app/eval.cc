// `docktor eval`: is this model worth asking? Recorded situations, its answers, and what the simulator makes
// of them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <future>
#include <map>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/evaluation.h"
#include "app/instances.h"
#include "app/journal_load.h"
#include "app/terminal.h"
#include "control/file_journal.h"
#include "core/text.h"
#include "llm/model_adviser.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kHistory = 12;

struct Tally {
  std::size_t asked = 0, agreed = 0, helped = 0, harmed = 0, neither = 0, clamped = 0, ignored = 0,
              unavailable = 0;
  double late_before = 0, late_after = 0, more_replica_seconds = 0;
  std::vector<double> latencies;  // seconds, of answers
  std::string last_error;

  double latency(double quantile) const {
    if (latencies.empty()) return 0;
    auto sorted = latencies;
    std::ranges::sort(sorted);
    return sorted[std::min(sorted.size() - 1,
                           static_cast<std::size_t>(quantile * static_cast<double>(sorted.size())))];
  }
};

// The last `most` changes of a service that no model has touched, each with the decisions before it.
Result<std::vector<RecordedChange>> changes_of(const std::string& journal, const std::string& service,
                                               std::size_t most) {
  std::deque<RecordedChange> changes;
  std::deque<ordered_json> history;
  const auto read = read_journal(journal, [&](const ordered_json& r) {
    if (r.value("service", "") != service || !r.contains("decision") || !r["decision"].is_string())
      return true;
    ordered_json brief = r;
    brief.erase("inputs");
    if (r.value("decision", "") != "hold" && !r.contains("advice")) {
      changes.push_back({brief, {history.begin(), history.end()}});
      if (changes.size() > most) changes.pop_front();
    }
    history.push_back(std::move(brief));
    if (history.size() > kHistory) history.pop_front();
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  return std::vector<RecordedChange>(changes.begin(), changes.end());
}

Result<Advice> ask_model(Adviser& adviser, const AdviceQuestion& question) {
  auto promise = std::make_shared<std::promise<Result<Advice>>>();
  auto future = promise->get_future();
  adviser.ask(question, [promise](Result<Advice> a) { promise->set_value(std::move(a)); });
  return future.get();  // the adviser has a deadline of its own
}

void evaluate(Adviser& adviser, const std::vector<RecordedChange>& changes, const EvaluationWorld& world,
              bool progress, Tally& tally) {
  for (const auto& change : changes) {
    if (progress) {
      fmt::print(stderr, "\r{}: {} of {} ", world.service.name, tally.asked + 1, changes.size());
      std::fflush(stderr);
    }
    const auto from = std::chrono::steady_clock::now();
    const auto answer = ask_model(adviser, question_of(change, world));
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    ++tally.asked;
    if (!answer) {
      const bool nonsense = answer.error().code == ErrorCode::kInvalid;
      ++(nonsense ? tally.ignored : tally.unavailable);
      if (nonsense) tally.latencies.push_back(took);
      tally.last_error = answer.error().message;
      continue;
    }
    tally.latencies.push_back(took);
    const Judgement j = judge(change, *answer, world);
    tally.clamped += j.verdict == Verdict::kClamped;
    tally.agreed += !j.changed;
    tally.helped += j.helped;
    tally.harmed += j.harmed;
    tally.neither += j.changed && !j.helped && !j.harmed;
    tally.late_before += j.late_before;
    tally.late_after += j.late_after;
    tally.more_replica_seconds += j.more_replica_seconds;
  }
  if (progress) fmt::print(stderr, "\r{:60}\r", "");
}

ordered_json as_json(const std::string& service, const Tally& t) {
  return {{"service", service},
          {"asked", t.asked},
          {"agreed", t.agreed},
          {"helped", t.helped},
          {"harmed", t.harmed},
          {"neither", t.neither},
          {"clamped", t.clamped},
          {"ignored", t.ignored},
          {"unavailable", t.unavailable},
          {"late_messages_by_policy", t.late_before},
          {"late_messages_with_advice", t.late_after},
          {"more_replica_seconds", t.more_replica_seconds},
          {"latency", {{"p50", t.latency(0.5)}, {"p95", t.latency(0.95)}, {"max", t.latency(1)}}}};
}

void print_tally(const std::string& service, const Tally& t, const EvaluationWorld& world) {
  say(stdout, "{}: {} recorded changes (a replica carries {:.3g} messages/s, starts in {:.3g} s)\n", service,
      t.asked, world.capacity, world.start_up);
  say(stdout,
      "  agreed       {:4}\n  helped       {:4}   fewer messages were late\n"
      "  harmed       {:4}   it cost replica-seconds, and no fewer were late\n",
      t.agreed, t.helped, t.harmed);
  if (t.neither > 0) say(stdout, "  neither      {:4}\n", t.neither);
  say(stdout, "  clamped      {:4}   it asked for more than the limits allow\n", t.clamped);
  say(stdout, "  ignored      {:4}   its answer made no sense\n  unavailable  {:4}\n", t.ignored,
      t.unavailable);
  say(stdout, "  late messages: {:.0f} by the policy, {:.0f} with the advice; {:+.0f} replica-seconds\n",
      t.late_before, t.late_after, t.more_replica_seconds);
  say(stdout, "  latency: median {:.3f} s, 95 % {:.3f} s, longest {:.3f} s\n", t.latency(0.5),
      t.latency(0.95), t.latency(1));
  const double wait = std::min(10.0, to_seconds(world.service.check_interval) / 2);
  if (t.latency(0.95) > wait)
    say(stdout, "  ⚠ a scale-down waits at most {:.3g} s for it: many answers would come too late\n", wait);
  if (t.harmed > t.helped) say(stdout, "  ⚠ it harmed more often than it helped\n");
  if (!t.last_error.empty()) say(stdout, "  last failure: {}\n", t.last_error);
}

}  // namespace

int eval_command(const Cli& cli) {
  auto config = load_for(cli);
  if (!config) return kExitUsage;
  if (!config->llm)
    return complain(
        fmt::format("{} names no model; write one with: docktor config set-model ID", config->shown),
        kExitUsage);
  std::string journal = cli.journal;
  if (journal.empty()) {
    const auto folders = our_folders();
    if (!folders) return complain(folders.error().message);
    journal = instance_of(*folders, config->path).journal_file();
  }
  llm::ModelAdviser adviser(*config->llm);
  auto all = ordered_json::array();
  bool any = false;
  for (const auto& service : config->services) {
    const std::size_t most = cli.tail < 0 ? 50 : static_cast<std::size_t>(cli.tail);
    const auto changes = changes_of(journal, service.name, most);
    if (!changes) return complain(changes.error().message);
    if (changes->empty()) continue;
    const auto recorded = load_from_journal(journal, service.name);
    if (!recorded) return complain(recorded.error().message);
    EvaluationWorld world;
    world.service = service;
    world.max_delay = config->llm->max_delay;
    world.load = recorded->load;
    world.begins = recorded->begins;
    const auto seen = recorded->capacity ? recorded->capacity : capacity_seen(*changes);
    if (cli.capacity <= 0 && !seen)
      return complain(fmt::format("how much a replica of {} carries is not in {}; say it with --capacity",
                                  service.name, journal),
                      kExitUsage);
    world.capacity = cli.capacity > 0 ? cli.capacity : *seen;
    world.start_up = cli.start_up >= 0 ? cli.start_up : recorded->start_up.value_or(3);
    Tally tally;
    evaluate(adviser, *changes, world, !cli.json && ::isatty(2) == 1, tally);
    if (tally.unavailable == tally.asked)
      return complain(fmt::format("{} ({})", llm::what_to_start(*config->llm), tally.last_error));
    any = true;
    if (cli.json)
      all.push_back(as_json(service.name, tally));
    else
      print_tally(service.name, tally, world);
  }
  if (!any)
    return complain(
        fmt::format("{} holds no change of the replicas yet; let the daemon run for a while", journal));
  if (cli.json)
    fmt::print("{}\n", ordered_json{{"provider", config->llm->provider},
                                    {"model", config->llm->model},
                                    {"services", std::move(all)}}
                           .dump(2, ' ', false, ordered_json::error_handler_t::replace));
  return 0;
}

}  // namespace docktor
