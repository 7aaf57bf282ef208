// `make bench-decisions`, second part: the objective policy with workers as people write them. Writes
// docs/workers.md.
//
//     workers_bench PROJECT-ROOT [OUTPUT.md [SEEDS]]
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "policy/policies.h"
#include "sim/run.h"
#include "sim/worker_text.h"

namespace {

using namespace docktor;

constexpr double kUsualJob = 0.05;

struct Case {
  const char* habits;
  double max_wait, start_up;  // seconds
  double most_late;           // percent, on each load
  double most_rho;            // geometric mean
  double job = kUsualJob;     // seconds; the loads are slower by as much as it is longer
  double check = 1;           // seconds between two samples, and decisions
};

constexpr std::array kCases = {
    Case{"", 5, 3, 0.1, 1.2},
    Case{"poll=50ms", 5, 3, 0.1, 1.2},
    Case{"poll=500ms", 5, 3, 0.1, 1.2},
    Case{"seen_late=500ms", 5, 3, 0.1, 1.2},
    Case{"fetch=10", 5, 3, 0.1, 1.2},
    Case{"prefetch=10", 5, 3, 0.1, 1.2},
    Case{"cv=1", 5, 3, 0.1, 1.2},
    Case{"cv=3", 5, 3, 0.1, 1.2},
    Case{"crash=4/h", 5, 3, 0.1, 1.2},
    Case{"ready_late=2s", 5, 3, 0.1, 1.2},
    Case{"ready_early=3s", 5, 3, 0.1, 1.2},
    Case{"fetch=100", 5, 3, 0.5, 1.3},
    Case{"warm_up=30s", 5, 3, 0.5, 1.3},
    Case{"ready_early=10s", 30, 10, 0.5, 1.4},
    Case{"poll=2s", 10, 3, 0.1, 1.3},
    Case{"seen_late=2s", 10, 3, 0.1, 1.3},
    Case{"poll=500ms,fetch=5,cv=2,warm_up=10s,crash=2/h,ready_early=3s", 10, 4, 0.5, 1.3},
    Case{"", 30, 3, 0.1, 1.4, 5},
    Case{"", 30, 3, 0.1, 1.4, 20},
    Case{"", 60, 10, 0.1, 1.4, 50},
    Case{"", 60, 10, 0.1, 1.4, 50, 10},
    Case{"cv=1", 60, 10, 0.1, 1.4, 50},
    Case{"", 1, 1, 0.1, 1.2, 0.005, 0.5},
};

constexpr std::array kTraces = {"worldcup-0610", "taxi", "ramp",     "azure-conv",
                                "square",        "elb",  "lbspikes", "seed-burst"};

constexpr const char* kPreamble = R"(# Ordinary workers, measured

What the `objective` policy makes of workers as people write them, on the eight loads of `bench/traces`. Written by
`make bench-decisions` (`workers_bench`); nothing here is typed by hand. Workers do 20 messages/s each, jobs are log-normal
with a coefficient of variation of 0.3, and a sample and a decision come each second, unless the row says otherwise; 1 to 200
replicas (none of the loads needs more). Where jobs are longer the loads have fewer of them, so that the work is the same.
The habits are those of `docktor simulate --worker`.

- **late**: share of the messages that waited longer than `max_wait`, on the worst load and in the mean over the loads.
- **ρ**: replica-seconds over the work itself, geometric mean over the loads; 1 is the floor.
- **longest wait**: in multiples of `max_wait`, over all loads and seeds, with the load's name. What a
  worker had in hand that crashed comes again after 30 s; that counts.
- A figure that misses its target is **bold**.

| worker | max_wait, start-up | late, worst load | target | late, mean | ρ | target | longest wait | reversals/h |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
)";

constexpr const char* kUncounted = R"(
## A queue that counts nothing

The same workers and loads where the queue tells what waits and what is in hand, and counts neither what comes nor what is done
([objective.md](objective.md#a-queue-that-counts-nothing)). No target is set: **bold** is what misses the one above.

| worker | late, worst load | late, mean | ρ with counts | ρ | dearest load | longest wait | reversals/h |
| --- | --- | --- | --- | --- | --- | --- | --- |
)";

sim::RunSpec spec_of(const Case& c, const sim::Load& load, int seed) {
  sim::RunSpec r;
  r.load = &load;
  r.seed = static_cast<std::uint64_t>(seed);
  r.world.worker.service_mean = c.job;
  r.world.worker.startup_mean = c.start_up;
  r.world.worker.startup_sd = c.start_up / 4;
  if (const auto set = sim::set_workers(r.world, c.habits); !set) {
    fmt::print(stderr, "workers_bench: {}\n", set.error().message);
    std::exit(1);
  }
  r.service.name = "consumer";
  r.service.limits.min_replicas = 1;
  r.service.limits.max_replicas = 200;
  r.service.check_interval = r.service.sample_interval = seconds(c.check);
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{seconds(c.max_wait), 0.99};
  return r;
}

struct Job {
  const Case* of;
  const sim::Load* load;
  int seed;
  bool counts;
  sim::RunResult result;
};

void run_all(std::vector<Job>& jobs) {
  std::atomic<std::size_t> next = 0, done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      sim::Load load = *jobs[i].load;
      for (auto& r : load.rows) r.rate *= kUsualJob / jobs[i].of->job;
      auto spec = spec_of(*jobs[i].of, load, jobs[i].seed);
      spec.world.counts = jobs[i].counts;
      jobs[i].result = sim::run(spec, make_policy);
      fmt::print(stderr, "\rworkers: {} of {} runs ", ++done, jobs.size());
    }
  };
  std::vector<std::jthread> helpers;
  for (unsigned i = 1; i < std::max(1u, std::thread::hardware_concurrency()); ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  fmt::print(stderr, "\n");
}

std::string bold_if(bool bold, const std::string& text) { return bold ? "**" + text + "**" : text; }

std::string name_of(const Case& c) {
  std::string name = *c.habits ? fmt::format("`{}`", c.habits) : "plain";
  if (c.job != kUsualJob)
    name +=
        c.job < 1 ? fmt::format(", jobs of {:g} ms", 1000 * c.job) : fmt::format(", jobs of {:g} s", c.job);
  if (c.check != 1) name += fmt::format(", checked each {:g} s", c.check);
  return name;
}

// Of one worker over all loads and seeds: shares in percent, waits in seconds.
struct Figures {
  double worst = 0, mean = 0, rho = 0, dearest = 0, longest = 0, reversals = 0;
  std::string worst_load, dearest_load, longest_load;
};

Figures figures_of(const Case& c, bool counts, const std::vector<Job>& jobs,
                   const std::vector<sim::Load>& loads) {
  Figures f;
  double logs = 0;
  int runs = 0;
  for (const sim::Load& load : loads) {
    double late = 0, rho = 0;
    int n = 0;
    for (const Job& j : jobs) {
      if (j.of != &c || j.load != &load || j.counts != counts) continue;
      late += 100 * j.result.over;
      rho += j.result.rho;
      f.reversals += j.result.per_hour(j.result.reversals);
      if (j.result.max > f.longest) f.longest = j.result.max, f.longest_load = load.name;
      ++n;
    }
    late /= n;
    rho /= n;
    runs += n;
    f.mean += late / static_cast<double>(loads.size());
    logs += std::log(rho);
    if (late >= f.worst) f.worst = late, f.worst_load = load.name;
    if (rho >= f.dearest) f.dearest = rho, f.dearest_load = load.name;
  }
  f.rho = std::exp(logs / static_cast<double>(loads.size()));
  f.reversals /= runs;
  return f;
}

std::string worst_text(const Case& c, const Figures& f) {
  return bold_if(f.worst > c.most_late, fmt::format("{:.3f} % ({})", f.worst, f.worst_load));
}
std::string rho_text(const Case& c, const Figures& f) {
  return bold_if(f.rho > c.most_rho, fmt::format("{:.3f}", f.rho));
}
std::string longest_text(const Case& c, const Figures& f) {
  return bold_if(f.longest > 3 * c.max_wait,
                 fmt::format("{:.1f} ({})", f.longest / c.max_wait, f.longest_load));
}

std::string row(const Case& c, const Figures& f) {
  return fmt::format("| {} | {:g} s, {:g} s | {} | {:g} % | {:.3f} % | {} | {:g} | {} | {:.0f} |\n",
                     name_of(c), c.max_wait, c.start_up, worst_text(c, f), c.most_late, f.mean,
                     rho_text(c, f), c.most_rho, longest_text(c, f), f.reversals);
}

std::string uncounted_row(const Case& c, const Figures& counted, const Figures& f) {
  return fmt::format("| {} | {} | {:.3f} % | {:.3f} | {} | {:.2f} ({}) | {} | {:.0f} |\n", name_of(c),
                     worst_text(c, f), f.mean, counted.rho, rho_text(c, f), f.dearest, f.dearest_load,
                     longest_text(c, f), f.reversals);
}

// A database, say, that carries ten replicas' work, under a load of fifteen.
std::string shared_limit(int seeds) {
  const sim::Load load{"beyond", {{0, 300}, {3600, 0}}};
  const Case c{"shared=10", 5, 3, 0, 0};
  double replicas = 0;
  for (int s = 1; s <= seeds; ++s)
    replicas += sim::run(spec_of(c, load, s), make_policy).mean_replicas / seeds;
  return fmt::format(
      "\nWhere something that all replicas share carries ten replicas' work (`shared=10`) and the load is "
      "fifteen "
      "replicas' for an hour, max_replicas 100: {} replicas in the mean (target: at most 15).\n",
      bold_if(replicas > 15, fmt::format("{:.1f}", replicas)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: workers_bench PROJECT-ROOT [OUTPUT.md [SEEDS]]\n");
    return 1;
  }
  const std::string root = argv[1], output = argc > 2 ? argv[2] : root + "/docs/workers.md";
  const int seeds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 3;
  std::vector<sim::Load> loads;
  for (const char* name : kTraces) {
    auto load = sim::load_from_file(root + "/bench/traces/" + name + ".csv");
    if (!load) {
      fmt::print(stderr, "workers_bench: {}\n", load.error().message);
      return 1;
    }
    loads.push_back(std::move(*load));
  }
  std::vector<Job> jobs;
  for (const Case& c : kCases) {
    for (const sim::Load& load : loads) {
      for (int seed = 1; seed <= seeds; ++seed) {
        for (const bool counts : {true, false}) jobs.push_back({&c, &load, seed, counts, {}});
      }
    }
  }
  run_all(jobs);
  std::ofstream out(output, std::ios::binary);
  out << kPreamble;
  for (const Case& c : kCases) out << row(c, figures_of(c, true, jobs, loads));
  out << fmt::format("\n{} seed{} a load.\n", seeds, seeds == 1 ? "" : "s") << shared_limit(seeds)
      << kUncounted;
  for (const Case& c : kCases)
    out << uncounted_row(c, figures_of(c, true, jobs, loads), figures_of(c, false, jobs, loads));
  out.close();
  if (!out) {
    fmt::print(stderr, "workers_bench: cannot write {}\n", output);
    return 1;
  }
  fmt::print("{}\n", output);
  return 0;
}
