// `docktor simulate`: what a configuration, and the known autoscalers, would make of a load.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/journal_load.h"
#include "app/kinds.h"
#include "app/progress.h"
#include "app/terminal.h"
#include "app/version.h"
#include "config/scalars.h"
#include "core/intervals.h"
#include "core/text.h"
#include "os/real_clock.h"
#include "report/report.h"
#include "schedule/schedule.h"
#include "sim/clairvoyant.h"
#include "sim/contenders.h"
#include "sim/erlang.h"
#include "sim/worker_text.h"
#include "sim/world_text.h"

namespace docktor {
namespace {

// Whether the queue counts what comes and goes; of several, whether each does.
bool counts(const ServiceSpec& service) {
  if (!service.queue) return true;
  const auto counted = [](const QueueSpec& queue) { return !all_kinds().untold(queue).flow; };
  return service.queue->parts.empty() ? counted(*service.queue)
                                      : std::ranges::all_of(service.queue->parts, counted);
}

constexpr double kPoints = 1500;  // of a series over the whole load

struct Plan {
  ServiceSpec service;
  sim::Load load;
  sim::World world;
  peers::Known known{};
  Time begin{};  ///< where the service has a schedule
};

std::vector<std::string> listed(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    std::string name = text.substr(at, comma - at);
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (!name.empty()) names.push_back(name);
    at = comma + 1;
  }
  return names;
}

Result<double> seconds_of(const char* flag, const std::string& text, double most) {
  Knob knob;
  knob.key = flag;
  knob.type = KnobType::kDuration;
  knob.most = most;
  const auto d = duration_of(knob, text);
  if (!d) return tl::unexpected(d.error());
  return to_seconds(*d);
}

Result<ServiceSpec> service_of(const Cli& cli, const Config& config) {
  std::vector<std::string> names;
  for (const auto& s : config.services) {
    if (s.name == cli.service || (cli.service.empty() && config.services.size() == 1)) return s;
    names.push_back(s.name);
  }
  return fail(ErrorCode::kInvalid, fmt::format("{} has several services; name one: --service {}",
                                               config.shown, fmt::join(names, " | ")));
}

Result<sim::Load> load_of(const SimulateFlags& flags, const std::string& service, JournalLoad& journal) {
  const int given = !flags.trace.empty() + !flags.shape.empty() + !flags.journal.empty();
  if (given != 1)
    return fail(ErrorCode::kInvalid,
                fmt::format("{}: give one of --trace FILE, --shape NAME ({}), --from-journal FILE",
                            given ? "more than one load" : "which load?", sim::shape_names()));
  if (!flags.trace.empty()) return sim::load_from_file(flags.trace);
  if (!flags.shape.empty()) return sim::built_in_load(flags.shape, 1);
  auto loaded = load_from_journal(flags.journal, service);
  if (!loaded) return tl::unexpected(loaded.error());
  journal = std::move(*loaded);
  return journal.load;
}

Result<Plan> plan_of(const Cli& cli, const Config& config) {
  const SimulateFlags& flags = cli.simulate;
  Plan plan;
  const auto service = service_of(cli, config);
  if (!service) return tl::unexpected(service.error());
  plan.service = *service;
  if (plan.service.uses_one_queue())
    say(stderr,
        "⚠ a simulation has all queues as one: rules of {} on one of several see nothing in it, and do not "
        "hold\n",
        plan.service.name);
  if (!flags.max_wait.empty()) {
    const auto wait = seconds_of("--max-wait", flags.max_wait, 86'400);
    if (!wait) return tl::unexpected(wait.error());
    if (!(*wait > 0)) return fail(ErrorCode::kInvalid, "--max-wait must be more than 0");
    if (!plan.service.objective) plan.service.objective = ObjectiveSpec{};
    plan.service.objective->max_wait = seconds(*wait);
  }
  JournalLoad journal;
  auto load = load_of(flags, service->name, journal);
  if (!load) return tl::unexpected(load.error());
  plan.load = std::move(*load);
  if (journal.unknown > 0)
    say(stderr, "note: the journal tells nothing of {}; no messages are assumed there\n",
        short_duration(seconds(std::round(journal.unknown))));

  sim::WorkerSpec& worker = plan.world.worker;
  worker.service_mean = 1 / flags.capacity.value_or(journal.capacity.value_or(20));
  worker.service_cv = flags.cv;
  worker.prefetch = flags.prefetch;
  worker.startup_mean = journal.start_up.value_or(3);
  if (!flags.start_up.empty()) {
    const auto s = seconds_of("--start-up", flags.start_up, 86'400);
    if (!s) return tl::unexpected(s.error());
    worker.startup_mean = *s;
  }
  worker.startup_sd = worker.startup_mean / 4;
  if (!flags.start_up_deviation.empty()) {
    const auto s = seconds_of("--start-up-deviation", flags.start_up_deviation, 86'400);
    if (!s) return tl::unexpected(s.error());
    worker.startup_sd = *s;
  }
  for (const auto& [name, value] : service->worker) {
    if (const auto r = sim::set_worker(plan.world, name, value); !r)
      return fail(ErrorCode::kInvalid, "worker: " + r.error().message);
  }
  if (const auto r = sim::set_workers(plan.world, flags.worker); !r)
    return fail(ErrorCode::kInvalid, "--worker: " + r.error().message);
  plan.world.arrivals = {flags.exact, flags.clump};
  plan.world.counts = counts(plan.service);
  for (const auto& text : flags.faults) {
    if (const auto r = sim::set_fault(plan.world, text); !r) return tl::unexpected(r.error());
  }
  const Schedule calendar(plan.service);
  if (calendar.empty() && !flags.begins.empty())
    return fail(ErrorCode::kInvalid, fmt::format("--begins: service {} has no schedule", plan.service.name));
  plan.begin = calendar.midnight(RealClock().now());
  if (!flags.begins.empty()) {
    const auto begin = calendar.parsed(flags.begins);
    if (!begin) return fail(ErrorCode::kInvalid, "--begins: " + begin.error().message);
    plan.begin = *begin;
  }
  plan.known = {1 / worker.service_mean, worker.startup_mean};
  return plan;
}

// The setting that keeps the objective with the fewest replica-seconds; where none keeps it, the one that
// comes nearest.
std::size_t best_of(const std::vector<sim::Outcome>& outcomes, double over_allowed) {
  const auto cost = [&](const sim::RunResult& r) {
    return std::pair(std::max(0.0, r.over - over_allowed), r.replica_seconds);
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < outcomes.size(); ++i) {
    if (cost(outcomes[i].mean) < cost(outcomes[best].mean)) best = i;
  }
  return best;
}

std::string plan_text(const Plan& plan) {
  const sim::WorkerSpec& w = plan.world.worker;
  const auto begins = Schedule(plan.service).shown(plan.begin);
  return fmt::format(
      "{:g} messages/s a replica (CV {:g}), start-up {:g} s ± {:g} s, {} to {} replicas, {} arrivals{}",
      1 / w.service_mean, w.service_cv, w.startup_mean, w.startup_sd, plan.service.limits.min_replicas,
      plan.service.limits.max_replicas, plan.world.arrivals.exact ? "evenly spaced" : "Poisson",
      begins.empty() ? "" : ", from " + begins);
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) say(stderr, "docktor: cannot write {}: is there room, and may you write there?\n", path);
  return static_cast<bool>(out);
}

report::Line line_of(const std::string& name, const std::string& note, bool ours, const sim::Outcome& o,
                     const sim::Elasticity& baseline) {
  report::Line line;
  line.policy = name;
  line.note = note;
  line.ours = ours;
  line.result = o.mean;
  const auto low_high = [&](double sim::RunResult::* field) {
    const auto [low, high] = std::minmax_element(
        o.runs.begin(), o.runs.end(), [&](const auto& a, const auto& b) { return a.*field < b.*field; });
    return std::pair((*low).*field, (*high).*field);
  };
  std::tie(line.rho_low, line.rho_high) = low_high(&sim::RunResult::rho);
  std::tie(line.p99_low, line.p99_high) = low_high(&sim::RunResult::p99);
  line.speedup = sim::elastic_speedup(o.mean.elasticity, baseline);
  return line;
}

struct Entry {
  std::string name, note;
  bool ours = false;
  std::size_t first = 0, count = 1;  // of the contenders
};

struct Entrants {
  std::vector<sim::Contender> contenders;
  std::vector<Entry> entries;
};

// Who takes part; for a tuned peer, all of its settings first.
Result<Entrants> entrants_of(const SimulateFlags& flags, const Plan& plan) {
  Entrants out;
  auto& [contenders, entries] = out;
  const auto names = flags.policies.empty() ? sim::contender_names(plan.service) : listed(flags.policies);
  for (const auto& name : names) {
    auto c = sim::contender(name, plan.service, plan.known);
    if (!c) return tl::unexpected(c.error());
    const auto peer =
        std::find_if(peers::all().begin(), peers::all().end(), [&](const auto& p) { return p.name == name; });
    const bool is_peer = peer != peers::all().end();
    entries.push_back({name, is_peer && peer->adaptation ? std::string(peer->adaptation_note) : "", !is_peer,
                       contenders.size(), 1});
    contenders.push_back(std::move(*c));
    if (!flags.tuned || !is_peer || peer->settings.size() < 2) continue;
    entries.push_back(
        {name + " tuned", entries.back().note, false, contenders.size(), peer->settings.size()});
    for (std::size_t i = 0; i < peer->settings.size(); ++i) {
      contenders.push_back(std::move(*sim::contender(name, plan.service, plan.known, i)));
    }
  }
  for (Entry& e : entries) e.ours = e.name == "objective" || e.name == "rules";
  return out;
}

// A line for each, the best setting's for a tuned peer.
void add_lines(const Entrants& entrants, const std::vector<sim::Outcome>& outcomes,
               const std::vector<sim::FrontierPoint>& frontier, const sim::Elasticity& baseline,
               report::Report& report) {
  for (const Entry& e : entrants.entries) {
    std::size_t pick = e.first;
    std::string note = e.note;
    if (e.count > 1) {
      const std::vector<sim::Outcome> settings(
          outcomes.begin() + static_cast<std::ptrdiff_t>(e.first),
          outcomes.begin() + static_cast<std::ptrdiff_t>(e.first + e.count));
      const std::size_t best = best_of(settings, 1 - report.quantile);
      pick += best;
      const auto& peer = *std::find_if(peers::all().begin(), peers::all().end(), [&](const auto& p) {
        return p.name == entrants.contenders[pick].name;
      });
      note = peer.settings[best].name + (note.empty() ? "" : "; " + note);
    }
    report::Line line = line_of(e.name, note, e.ours, outcomes[pick], baseline);
    if (!frontier.empty()) {
      const double optimum = sim::optimum_at(frontier, line.result.p99);
      if (optimum > 0) line.to_optimum = line.result.rho / optimum;
    }
    report.lines.push_back(std::move(line));
  }
}

bool write_charts(const Cli& cli, const report::Report& report) {
  const SimulateFlags& flags = cli.simulate;
  bool written = true;
  if (!flags.report.empty()) written = write_file(flags.report, report::html(report)) && written;
  if (!flags.svg.empty()) written = write_file(flags.svg, report::svg(report)) && written;
  if (written && !cli.json) {
    if (!flags.report.empty()) say(stdout, "Report: {}\n", flags.report);
    if (!flags.svg.empty()) say(stdout, "Charts: {}\n", flags.svg);
  }
  return written;
}

}  // namespace

int simulate_command(const Cli& cli) {
  const SimulateFlags& flags = cli.simulate;
  if (!flags.max_wait.empty()) {
    if (const auto wait = seconds_of("--max-wait", flags.max_wait, 86'400); !wait)
      return complain(wait.error().message, kExitUsage);
  }
  const auto config = load_or_usual_for(cli, flags.max_wait);
  if (!config) return kExitUsage;
  const auto plan = plan_of(cli, *config);
  if (!plan) return complain(plan.error().message, kExitUsage);

  const auto entrants = entrants_of(flags, *plan);
  if (!entrants) return complain(entrants.error().message, kExitUsage);
  const auto& contenders = entrants->contenders;

  sim::StudySpec study;
  study.load = &plan->load;
  study.world = plan->world;
  study.seeds = flags.seeds;
  study.begin = plan->begin;
  study.bin = plan->load.length() / kPoints;
  study.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<sim::Outcome> outcomes;
  {
    Progress progress(fmt::format("simulating {:.0f} messages, {} policies, {} seeds", plan->load.messages(),
                                  contenders.size(), flags.seeds));
    study.progress = [&](double share) { progress.show(share); };
    outcomes = sim::study(study, contenders);
  }

  const ObjectiveSpec goal = contenders.front().service.objective.value_or(ObjectiveSpec{});
  report::Report report;
  report.load_name = plan->load.name;
  report.world = plan_text(*plan);
  report.version = kVersion;
  report.length = plan->load.length();
  report.max_wait = to_seconds(goal.max_wait);
  report.quantile = goal.quantile;
  report.capacity = plan->known.capacity;
  report.seeds = flags.seeds;

  // The baseline of the elastic speedup: as many as the peak needs, always.
  const sim::Demand demand = sim::demand_of(plan->load, report.capacity, report.max_wait, report.quantile);
  int peak = 0;
  for (const auto& row : demand.rows) peak = std::max(peak, static_cast<int>(row.rate));
  const sim::Elasticity baseline = sim::elasticity(demand, {{0, peak, peak, peak}});

  std::vector<sim::FrontierPoint> frontier;
  if (!flags.no_optimum) {
    Progress progress("computing the clairvoyant optimum");
    sim::RunSpec best;
    best.load = &plan->load;
    best.world = plan->world;
    best.service = contenders.front().service;
    best.seed = 1;
    best.begin = plan->begin;
    frontier = sim::clairvoyant_frontier(best, sim::usual_waiting_prices(), study.threads,
                                         [&](double share) { progress.show(share); });
    for (const auto& p : frontier) report.frontier.push_back({p.rho, p.p99});
  }

  add_lines(*entrants, outcomes, frontier, baseline, report);

  if (cli.json) {
    fmt::print("{}\n", report::json(report));
  } else {
    fmt::print("{}", report::table(report, flags.details));
  }
  const int most = contenders.front().service.limits.max_replicas;
  if (peak > most)
    say(stderr,
        "⚠ the load's peaks need {} replicas of {:.3g} messages/s each, and max_replicas is {}: no policy "
        "can keep the goal then; raise max_replicas, or say what a replica carries with --capacity\n",
        peak, report.capacity, most);
  if (const auto slow = slow_checks(plan->service); !slow.empty())
    say(stderr, "⚠ {}; {}\n", slow, quicker_checks(plan->service));
  return write_charts(cli, report) ? 0 : kExitFailed;
}

}  // namespace docktor
