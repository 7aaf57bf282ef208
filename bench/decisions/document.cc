#include "bench/decisions/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "bench/decisions/choose.h"
#include "sim/study.h"

namespace docktor::bench {
namespace {

/// A mean with half the width of its 95 % confidence interval.
struct Estimate {
  double mean = 0, error = 0;
};

Estimate estimate(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return {sum / static_cast<double>(values.size()), sim::confidence_95(values)};
}

Job job(std::size_t setup, std::size_t load, const std::string& policy, std::size_t setting, int seed) {
  return {setup, load, policy, setting, seed};
}

std::vector<double> numbers(const Runs& runs, std::size_t setup, std::size_t load, const std::string& policy,
                            std::size_t setting, int seeds, double sim::RunResult::* field) {
  std::vector<double> out;
  for (int s = 1; s <= seeds; ++s) out.push_back(runs.of(job(setup, load, policy, setting, s)).*field);
  return out;
}

double mean_of(const Runs& runs, std::size_t setup, std::size_t load, const std::string& policy,
               std::size_t setting, int seeds, double sim::RunResult::* field) {
  return estimate(numbers(runs, setup, load, policy, setting, seeds, field)).mean;
}

// The target of this policy in the first setup: the most that ρ may be.
std::optional<double> target_of(const std::string& load) {
  constexpr std::pair<const char*, double> kTargets[] = {
      {"worldcup-0610", 1.10}, {"taxi", 1.10}, {"ramp", 1.10},     {"azure-conv", 1.30},
      {"square", 1.12},        {"elb", 1.45},  {"lbspikes", 1.50}, {"seed-burst", 1.55}};
  for (const auto& [name, target] : kTargets) {
    if (load == name) return target;
  }
  return std::nullopt;
}

std::string ours(const Runs& runs, const Comparison& c, std::size_t setup) {
  std::string out =
      "| load | ρ | target | over the objective | p50 | p99 | max | starts/h | reversals/h | ρ / clairvoyant "
      "|\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  double rate = 0;
  for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l) {
    std::vector<double> over, reversals, starts, highest;
    for (int s = 1; s <= c.seeds; ++s) {
      const auto& r = runs.of(job(setup, l, "objective", 0, s));
      over.push_back(100 * r.over);
      reversals.push_back(r.per_hour(r.reversals));
      starts.push_back(r.per_hour(r.starts));
      highest.push_back(r.max);
    }
    const Estimate rho = estimate(numbers(runs, setup, l, "objective", 0, c.seeds, &sim::RunResult::rho));
    const double p99 = mean_of(runs, setup, l, "objective", 0, c.seeds, &sim::RunResult::p99);
    const double optimum = sim::optimum_at(c.frontiers[setup][l], p99);
    const auto target = setup == 0 ? target_of(runs.setups()[setup].judged[l].name) : std::nullopt;
    rate += estimate(reversals).mean;
    out += fmt::format(
        "| {} | {:.3f} ± {:.3f} | {} | {:.3f} % | {:.2f} s | {:.2f} s | {:.1f} s | {:.0f} | {:.0f} | {:.2f} "
        "|\n",
        runs.setups()[setup].judged[l].name, rho.mean, rho.error,
        target ? fmt::format("{:.2f}", *target) : "", estimate(over).mean,
        mean_of(runs, setup, l, "objective", 0, c.seeds, &sim::RunResult::p50), p99,
        *std::max_element(highest.begin(), highest.end()), estimate(starts).mean, estimate(reversals).mean,
        optimum > 0 ? rho.mean / optimum : 0);
  }
  std::vector<double> by_seed;
  for (int s = 1; s <= c.seeds; ++s) {
    std::vector<double> rhos;
    for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l)
      rhos.push_back(runs.of(job(setup, l, "objective", 0, s)).rho);
    by_seed.push_back(geometric_mean(rhos));
  }
  const Estimate all = estimate(by_seed);
  out += fmt::format(
      "\nGeometric mean of ρ over the loads: **{:.3f} ± {:.3f}**{}. Reversals an hour, mean over the loads: "
      "**{:.0f}**{}.\n",
      all.mean, all.error, setup == 0 ? " (target 1.27)" : "",
      rate / static_cast<double>(runs.setups()[setup].judged.size()), setup == 0 ? " (target 60)" : "");
  return out;
}

/// A peer against the objective policy, seed by seed on the same messages.
struct Versus {
  std::vector<std::size_t> kept;  // loads on which the peer keeps the objective, mean over the seeds
  std::vector<double> ratios;     // by load: replica-seconds, the peer's over ours
  Estimate log_ratio;             // of the geometric mean over `kept`, in logarithms, over the seeds
};

Versus versus(const Runs& runs, const Comparison& c, std::size_t setup, const std::string& peer,
              std::size_t setting) {
  Versus v;
  std::vector<std::vector<double>> by_load;
  for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l) {
    if (mean_of(runs, setup, l, peer, setting, c.peer_seeds, &sim::RunResult::over) <= kKept)
      v.kept.push_back(l);
    std::vector<double> logs;
    for (int s = 1; s <= c.peer_seeds; ++s) {
      logs.push_back(std::log(runs.of(job(setup, l, peer, setting, s)).replica_seconds /
                              runs.of(job(setup, l, "objective", 0, s)).replica_seconds));
    }
    v.ratios.push_back(std::exp(estimate(logs).mean));
    by_load.push_back(std::move(logs));
  }
  if (v.kept.empty()) return v;
  std::vector<double> seeds(static_cast<std::size_t>(c.peer_seeds), 0.0);
  for (const std::size_t l : v.kept) {
    for (std::size_t s = 0; s < seeds.size(); ++s)
      seeds[s] += by_load[l][s] / static_cast<double>(v.kept.size());
  }
  v.log_ratio = estimate(seeds);
  return v;
}

std::string row(const Runs& runs, const Comparison& c, std::size_t setup, const std::string& peer,
                std::size_t setting, const std::string& how) {
  const Versus v = versus(runs, c, setup, peer, setting);
  const double low = std::exp(v.log_ratio.mean - v.log_ratio.error),
               high = std::exp(v.log_ratio.mean + v.log_ratio.error);
  std::string out = fmt::format(
      "| {} | {} | {} of {} | {} ", peer, how, v.kept.size(), runs.setups()[setup].judged.size(),
      v.kept.empty() ? std::string("keeps none")
                     : fmt::format("**{:.2f}** ({:.2f} to {:.2f})", std::exp(v.log_ratio.mean), low, high));
  for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l) {
    const double late = 100 * mean_of(runs, setup, l, peer, setting, c.peer_seeds, &sim::RunResult::over);
    const bool kept = std::find(v.kept.begin(), v.kept.end(), l) != v.kept.end();
    out += kept ? fmt::format("| {:.2f} ", v.ratios[l])
                : fmt::format("| *{:.2f}, {:.0f} % late* ", v.ratios[l], late);
  }
  return out + "|\n";
}

std::string against_peers(const Runs& runs, const Comparison& c, std::size_t setup) {
  std::string out = "| peer | setting | keeps | replica-seconds / ours | ";
  for (const auto& l : runs.setups()[setup].judged) out += l.name + " | ";
  out += "\n| --- | --- | --- | --- |";
  for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l) out += " --- |";
  out += "\n";
  for (const auto& peer : c.peers) {
    out += row(runs, c, setup, peer, 0, "defaults");
    for (const std::size_t s : c.tuned.at({setup, peer}))
      if (s != 0) out += row(runs, c, setup, peer, s, "tuned: " + peer_named(peer).settings[s].name);
  }
  return out;
}

// Where any setting of a peer, chosen or not, keeps the objective on a load with fewer replica-seconds (seed 1).
std::string peers_wins(const Runs& runs, const Comparison& c, std::size_t setup) {
  std::string out;
  for (const auto& peer : c.peers) {
    for (std::size_t setting = 0; setting < peer_named(peer).settings.size(); ++setting) {
      for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l) {
        const auto &p = runs.of(job(setup, l, peer, setting, 1)),
                   &o = runs.of(job(setup, l, "objective", 0, 1));
        if (p.over > kKept || p.replica_seconds >= o.replica_seconds) continue;
        out += fmt::format(
            "- {} ({}) on {}: {:.2f} of our replica-seconds; {:.3f} % late against {:.3f} %, p99 {:.1f} s "
            "against {:.1f} s\n",
            peer, peer_named(peer).settings[setting].name, runs.setups()[setup].judged[l].name,
            p.replica_seconds / o.replica_seconds, 100 * p.over, 100 * o.over, p.p99, o.p99);
      }
    }
  }
  return out.empty() ? "No setting of any peer keeps the objective on any of these loads with fewer "
                       "replica-seconds.\n"
                     : out;
}

}  // namespace

std::string introduction() {
  return R"(# Decisions, measured

What the `objective` policy makes of its loads, and what the known autoscalers make of the same messages. Written by
`make bench-decisions` (nothing here is typed by hand); the loads are in `bench/traces`, with their sources. The simulator runs
the daemon's own autoscaler, message by message, in virtual time.

Workers: log-normal service times of CV 0.3, one message at a time; start-up normal; 1 to 100 replicas; Poisson arrivals within a
row. The objective policy has one configuration everywhere, `objective: {max_wait}`, and is not told capacity and start-up. Other
workers (that poll, fetch, crash, slow down) are in workers.md.

**Peers are tuned on other loads than they are judged on**: on four built-in shapes of the simulator (`walk`, `onoff`, `noisy`,
`bursts`, seed 1, up to 20 replicas), in the very regime, each with twelve settings, most of which know capacity, start-up and
`max_wait`. Of these the one is judged that keeps the objective (at most 1 % late) on most of the four, and of such the one with the
fewest replica-seconds over all four; where none keeps any, the one with the fewest late messages. Beside it the cheapest setting
is judged that is no later on the four than docktor is. Peers see a sample each second and are obeyed at once. All loops beat from
a load's begin; its first row is longer by up to a minute, drawn by load and seed, so that no loop meets the rows' steps always at
the same place. The objective policy was developed on these eight traces, and is judged on them: that is to its advantage.
)";
}

std::string traces_document(const Runs& runs, const Comparison& c) {
  std::string out = fmt::format(
      R"(
## Two usual regimes, in detail

The traces whole, at 20 messages/s a replica; a sample and a decision each second; all begin with one replica. {} seeds for the
objective policy, {} for peers, their tuning one. ± and ranges are 95 % confidence over the seeds (Student's t), comparisons are
paired: the same arrivals and service times for both.

- **ρ**: replica-seconds from order to exit, over the greater of `min_replicas` × time and the work itself; 1 is the floor.
- **over**: share of the messages that waited longer than the objective, from their intended publish until a worker began.
- **ρ / clairvoyant**: against a dynamic programme that knows every arrival beforehand, at the same p99. It minimises mean waits,
  so it is a strong reference rather than a strict bound at the 99th percentile.
- **reversal**: an action opposite to the one before.
- **keeps**: on how many loads at most 1 % of the messages are over the objective. The ratio is the geometric mean over those
  loads of the peer's replica-seconds over ours; where a load is not kept its ratio is in italics, with the share that was late,
  and does not count, since a policy that may be late is cheap without effort. Means over different loads cannot be compared with each other.
- **where a peer wins**: any of its settings, those that nobody could have chosen beforehand too; seed 1.
)",
      c.seeds, c.peer_seeds);
  for (std::size_t s = 0; s < runs.setups().size(); ++s) {
    const Setup& setup = runs.setups()[s];
    out += fmt::format("\n### Start-up {:g} s ± {:g} s, objective {:g} s\n\n", setup.start_up,
                       setup.start_up_deviation, setup.max_wait);
    out += ours(runs, c, s);
    out += "\n#### Against the peers\n\n" + against_peers(runs, c, s);
    out += "\n#### Where a peer wins\n\n" + peers_wins(runs, c, s);
  }
  return out;
}

std::string explanations() {
  std::string out;
  out += "\n## What is adapted\n\n";
  for (const auto& peer : peers::all()) {
    if (peer.settings.empty()) continue;
    out += fmt::format("- **{}**: {}. Source: {}\n", peer.name,
                       peer.adaptation ? peer.adaptation_note : "the law as it is published", peer.source);
  }
  out += R"(
## Why it comes out so, and where it cannot

Within the objective nothing has to be forecast as long as start-up and check interval fit into `max_wait`: a message that came is
known, and replicas that are ordered now work before its time is up. So no headroom is kept, replicas are ordered as late as the
deadlines allow, and draining a backlog costs nothing in replica-seconds. The peers hold a set-point (a lag, a utilisation) at all
times, and pay for it at all times; those without a start-up in their law order again while replicas start.

No causal policy beats a jump that nothing announced: with D the start-up and τ the time until it is seen, a message that comes as
the rate jumps from what n₀ replicas carry to λ₁ waits (D + τ)(1 − μ n₀ / λ₁), whoever decides. Where that is more than
`max_wait`, only replicas that idle before help, and the policy keeps as many as past jumps of this very service call for.
`docktor simulate --start-up 10s --max-wait 5s` shows what that costs.
)";
  return out;
}

}  // namespace docktor::bench
