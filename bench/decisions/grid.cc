#include "bench/decisions/grid.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "bench/decisions/choose.h"

namespace docktor::bench {
namespace {

// The targets.
constexpr double kEasyLate = 0.001, kHardLate = 0.01;
constexpr double kManyReplicas = 10, kMostRhoOfMany = 1.2, kMostRhoOfFew = 1.4;
constexpr double kBestPeer = 1.15, kMostReversals = 40;

// A peer's run on one load that is both cheaper and at most as late as ours.
struct Win {
  std::string peer;
  std::size_t setting = 0;
  double ratio = 1;  // its replica-seconds over ours
};

// One load of one regime at one check interval.
struct OnLoad {
  double late = 0, rho = 1, reversals = 0;
  double work = 0;               // replicas that are busy in the mean
  std::vector<Win> wins;         // the cheapest first
  std::optional<Win> less_late;  // costs at most as much, and is less late
};

// One row of the table.
struct Row {
  std::size_t setup = 0, setting = 0;  // of the objective policy: its check interval
  bool easy = false;                   // start-up and interval fit into max_wait
  bool held = false;                   // against peers
  std::vector<OnLoad> loads;
  std::optional<Win> best;  // of the peers that keep the same on all loads
  double worst_late = 0, rho = 0, rho_many = 0, rho_few = 0, reversals = 0;
  std::size_t dominated = 0;
  bool late_met = true, rho_met = true;
  bool met() const { return late_met && rho_met && dominated == 0; }
};

const sim::RunResult& our_run(const Runs& runs, const Row& row, std::size_t load) {
  return runs.of({row.setup, load, "objective", row.setting, 1});
}

OnLoad on_load(const Runs& runs, const Chosen& chosen, const Row& row, std::size_t load) {
  const auto& o = our_run(runs, row, load);
  OnLoad out{.late = o.over, .rho = o.rho, .reversals = o.per_hour(o.reversals)};
  out.work = runs.setups()[row.setup].work(load);
  for (const auto& [key, settings] : chosen) {
    if (key.first != row.setup) continue;
    for (const std::size_t s : settings) {
      const auto& p = runs.of({row.setup, load, key.second, s, 1});
      const Win win{key.second, s, p.replica_seconds / o.replica_seconds};
      if (win.ratio < 1 && p.over <= o.over) out.wins.push_back(win);
      if (win.ratio <= 1 && p.over < o.over) out.less_late = win;
    }
  }
  std::sort(out.wins.begin(), out.wins.end(), [](const Win& a, const Win& b) { return a.ratio < b.ratio; });
  return out;
}

// The cheapest of those that keep on every load what the objective policy keeps: at most 1 % late, or as late as it.
std::optional<Win> best_of(const Runs& runs, const Chosen& chosen, const Row& row) {
  std::optional<Win> best;
  for (const auto& [key, settings] : chosen) {
    if (key.first != row.setup) continue;
    for (const std::size_t s : settings) {
      std::vector<double> ratios;
      for (std::size_t l = 0; l < row.loads.size(); ++l) {
        const auto& p = runs.of({row.setup, l, key.second, s, 1});
        if (p.over <= std::max(kKept, row.loads[l].late))
          ratios.push_back(p.replica_seconds / our_run(runs, row, l).replica_seconds);
      }
      if (ratios.size() < row.loads.size()) continue;
      const double ratio = geometric_mean(ratios);
      if (!best || ratio < best->ratio) best = Win{key.second, s, ratio};
    }
  }
  return best;
}

Row row_of(const Runs& runs, const Chosen& chosen, std::size_t setup, std::size_t setting) {
  const Setup& s = runs.setups()[setup];
  Row row{.setup = setup, .setting = setting};
  for (const auto& entry : chosen) row.held |= entry.first.first == setup;
  row.easy = s.start_up + Runs::interval(s, setting) <= s.max_wait;
  std::vector<double> all, many, few;
  for (std::size_t l = 0; l < s.judged.size(); ++l) {
    row.loads.push_back(on_load(runs, chosen, row, l));
    const OnLoad& on = row.loads.back();
    row.worst_late = std::max(row.worst_late, on.late);
    row.reversals += on.reversals / static_cast<double>(s.judged.size());
    row.dominated += !on.wins.empty();
    all.push_back(on.rho);
    (on.work >= kManyReplicas ? many : few).push_back(on.rho);
    if (row.easy ? on.late > kEasyLate : on.late > kHardLate && on.less_late) row.late_met = false;
  }
  row.rho = geometric_mean(all);
  row.rho_many = geometric_mean(many);
  row.rho_few = geometric_mean(few);
  row.rho_met = !row.easy || (row.rho_many <= kMostRhoOfMany && row.rho_few <= kMostRhoOfFew);
  row.best = best_of(runs, chosen, row);
  return row;
}

std::vector<Row> rows_of(const Runs& runs, const Chosen& chosen) {
  std::vector<Row> rows;
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    for (const std::size_t setting : {0u, 1u}) rows.push_back(row_of(runs, chosen, setup, setting));
  }
  return rows;
}

std::string marked(const std::string& text, bool met) { return met ? text : "**" + text + "**"; }

// "aws on taxi 0.93"
std::string wins(const Runs& runs, const Row& row) {
  std::vector<std::string> out;
  for (std::size_t l = 0; l < row.loads.size(); ++l) {
    if (row.loads[l].wins.empty()) continue;
    const Win& w = row.loads[l].wins.front();
    out.push_back(fmt::format("{} on {} {:.2f}", w.peer, runs.setups()[row.setup].judged[l].name, w.ratio));
  }
  return out.empty() ? "none" : fmt::format("**{}**: {}", out.size(), fmt::join(out, ", "));
}

std::string table(const Runs& runs, const std::vector<Row>& rows) {
  std::string out =
      "| capacity | start-up | max_wait | check | fits | late, worst load | ρ | of ≥ 10 | of fewer | "
      "reversals/h | best "
      "tuned peer that keeps the same | loads on which a tuned peer dominates | targets |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Row& r : rows) {
    const Setup& s = runs.setups()[r.setup];
    out += fmt::format(
        "| {:g}/s | {:g} s | {:g} s | {:g} s | {} | {} | {:.2f} | {} | {} | {} | {} | {} | {} |\n",
        s.capacity, s.start_up, s.max_wait, Runs::interval(s, r.setting), r.easy ? "yes" : "no",
        marked(fmt::format("{:.3f} %", 100 * r.worst_late), r.late_met), r.rho,
        r.rho_many > 0 ? marked(fmt::format("{:.2f}", r.rho_many), !r.easy || r.rho_many <= kMostRhoOfMany)
                       : "–",
        marked(fmt::format("{:.2f}", r.rho_few), !r.easy || r.rho_few <= kMostRhoOfFew),
        marked(fmt::format("{:.0f}", r.reversals), r.reversals <= kMostReversals),
        r.best   ? marked(fmt::format("{} {:.2f}", r.best->peer, r.best->ratio), r.best->ratio >= kBestPeer)
        : r.held ? "none"
                 : "–",
        r.held ? wins(runs, r) : "peers not run", r.met() ? r.held ? "met" : "–" : "**not met**");
  }
  return out;
}

std::string summary(const std::vector<Row>& rows) {
  std::size_t held = 0, easy = 0, easy_late = 0, easy_rho = 0, hard = 0, hard_late = 0, dominated = 0,
              loads = 0, all = 0, without = 0, reversing = 0;
  double reversals = 0;
  std::vector<double> best;
  for (const Row& r : rows) {
    easy += r.easy;
    easy_late += r.easy && r.late_met;
    easy_rho += r.easy && r.rho_met;
    reversing += r.reversals > kMostReversals;
    reversals += r.reversals / static_cast<double>(rows.size());
    if (!r.held) continue;
    ++held;
    hard += !r.easy;
    hard_late += !r.easy && r.late_met;
    dominated += r.dominated;
    without += r.dominated == 0;
    loads += r.loads.size();
    all += r.met();
    if (r.best) best.push_back(r.best->ratio);
  }
  const auto verdict = [](bool met) { return met ? "met" : "**not met**"; };
  std::string out = "| | target | found | |\n| --- | --- | --- | --- |\n";
  out +=
      fmt::format("| start-up + interval ≤ max_wait: late, each load | ≤ 0.1 % | in {} of {} rows | {} |\n",
                  easy_late, easy, verdict(easy_late == easy));
  out += fmt::format(
      "| there: ρ, geometric mean | ≤ 1.2 where ≥ 10 replicas are wanted, ≤ 1.4 else | in {} of {} rows | {} "
      "|\n",
      easy_rho, easy, verdict(easy_rho == easy));
  out += fmt::format(
      "| elsewhere: late, each load | ≤ 1 %, or the least of all that cost at most as much | in {} of {} "
      "rows | {} |\n",
      hard_late, hard, verdict(hard_late == hard));
  out +=
      fmt::format("| loads on which a tuned peer dominates | none | {} of {}; none in {} of {} rows | {} |\n",
                  dominated, loads, without, held, verdict(dominated == 0));
  const double ratio = geometric_mean(best);
  out += fmt::format(
      "| replica-seconds of the best tuned peer that keeps the same, geometric mean | ≥ 1.15 × ours | {:.2f} "
      "over the {} of "
      "{} rows in which one does | {} |\n",
      ratio, best.size(), held, verdict(best.empty() || ratio >= kBestPeer));
  out += fmt::format("| reversals an hour, mean | ≤ 40 | {:.0f}; more in {} of {} rows | {} |\n", reversals,
                     reversing, rows.size(), verdict(reversals <= kMostReversals));
  out += fmt::format("\nAll of its targets are met in {} of {} rows.\n", all, held);
  if (held < rows.size()) {
    out += fmt::format(
        "\n**Peers were not run in {} of {} rows**, since the bench was given a number of minutes; what "
        "needs them is not judged "
        "there.\n",
        rows.size() - held, rows.size());
  }
  return out;
}

// The loads that are worst by some measure, the worst first.
template <class Measure>
std::string worst(const Runs& runs, const std::vector<Row>& rows, const std::string& heading,
                  const Measure& measure) {
  struct Place {
    double value;
    const Row* row;
    std::size_t load;
  };
  std::vector<Place> places;
  for (const Row& r : rows) {
    for (std::size_t l = 0; l < r.loads.size(); ++l) {
      const double v = measure(r, r.loads[l]);
      if (v > 0) places.push_back({v, &r, l});
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.value > b.value; });
  std::string out = fmt::format(
      "\n### {}\n\n| regime | check | load | late | ρ | reversals/h | who wins |\n| --- | --- | --- | --- | "
      "--- | --- | --- |\n",
      heading);
  for (std::size_t i = 0; i < std::min<std::size_t>(10, places.size()); ++i) {
    const Row& r = *places[i].row;
    const Setup& s = runs.setups()[r.setup];
    const OnLoad& on = r.loads[places[i].load];
    std::string who;
    if (!on.wins.empty()) {
      const Win& w = on.wins.front();
      who = fmt::format("{} ({}): {:.2f} of ours, {:.3f} % late", w.peer,
                        peer_named(w.peer).settings[w.setting].name, w.ratio,
                        100 * runs.of({r.setup, places[i].load, w.peer, w.setting, 1}).over);
    }
    out += fmt::format("| {} | {:g} s | {} | {:.3f} % | {:.2f} | {:.0f} | {} |\n", s.name,
                       Runs::interval(s, r.setting), s.judged[places[i].load].name, 100 * on.late, on.rho,
                       on.reversals, who);
  }
  return places.empty() ? fmt::format("\n### {}\n\nNone.\n", heading) : out;
}

}  // namespace

std::vector<std::size_t> grid_order(const Runs& runs) {
  constexpr std::pair<double, double> kOrder[] = {{1, 1},   {10, 10}, {1, 10}, {60, 60}, {60, 10},
                                                  {10, 60}, {10, 1},  {1, 60}, {60, 1}};
  std::vector<std::size_t> order;
  for (const auto& [start_up, max_wait] : kOrder) {
    for (std::size_t s = 0; s < runs.setups().size(); ++s) {
      if (runs.setups()[s].start_up == start_up && runs.setups()[s].max_wait == max_wait) order.push_back(s);
    }
  }
  return order;
}

std::vector<Job> grid_jobs(const Runs& runs) {
  std::vector<Job> jobs;
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    for (std::size_t l = 0; l < runs.setups()[setup].judged.size(); ++l) {
      for (const std::size_t setting : {0u, 1u}) jobs.push_back({setup, l, "objective", setting, 1});
    }
  }
  return jobs;
}

std::vector<Job> grid_jobs(const Runs& runs, const Chosen& chosen, std::size_t setup) {
  std::vector<Job> jobs;
  for (const auto& [key, settings] : chosen) {
    for (std::size_t l = 0; key.first == setup && l < runs.setups()[setup].judged.size(); ++l) {
      for (const std::size_t s : settings) jobs.push_back({setup, l, key.second, s, 1});
    }
  }
  return jobs;
}

std::string grid_document(const Runs& runs, const Chosen& chosen) {
  const std::vector<Row> rows = rows_of(runs, chosen);
  std::string out = R"(
## Every regime

Capacity (messages/s of a replica) × start-up (± a quarter) × `max_wait`, with the check interval that follows from the objective
and with 10 s. The eight traces, their rates scaled to the capacity so that they want the same replicas everywhere (half as many at
200/s), and cut to the part around their peak: at most three hours, and about a million messages, but half an hour at least; those
that the peers are tuned on to an hour and half a million, but a quarter of an hour at least. So at 0.02/s some loads are few
messages (lbspikes: 76), and one of them is more than 1 %. A run begins with the replicas that its first row needs, and with nothing
learned. One seed.

- **fits**: start-up + check interval ≤ `max_wait`, so that the objective can be kept without headroom.
- **late**: share of the messages over the objective, on the worst of the eight loads.
- **ρ**: geometric mean over the loads; apart for those whose work keeps at least ten replicas busy in the mean, and fewer.
- **best tuned peer that keeps the same**: on every load at most 1 % late, or as late as docktor where that is more; its
  replica-seconds over ours, geometric mean over the loads. Below 1 the peer wins.
- **dominates**: cheaper on a load, and at most as late; the cheapest such peer with its replica-seconds over ours.
- **targets**: late, ρ and dominated loads; what is missed is in bold.

`natsbyexample` and `docktor`, the two that docktor grew from, are in the other part alone.

)";
  out += summary(rows) + "\n" + table(runs, rows);
  out += R"(
## The worst of it

`decisions_bench . FOLDER --replay REGIME LOAD POLICY SETTING` shows a run decision by decision (setting 0 of `objective` is the
interval that follows from the objective, 1 is 10 s).
)";
  out += worst(runs, rows, "Late although it fits",
               [](const Row& r, const OnLoad& on) { return r.easy && on.late > kEasyLate ? on.late : 0; });
  out +=
      worst(runs, rows, "Late where another is not, for at most as much", [](const Row& r, const OnLoad& on) {
        return !r.easy && on.late > kHardLate && on.less_late ? on.late : 0;
      });
  out += worst(runs, rows, "Dear although it fits", [](const Row& r, const OnLoad& on) {
    return r.easy && on.rho > (on.work >= kManyReplicas ? kMostRhoOfMany : kMostRhoOfFew) ? on.rho : 0;
  });
  out += worst(runs, rows, "Dear where it does not fit",
               [](const Row& r, const OnLoad& on) { return !r.easy && on.rho > 2 ? on.rho : 0; });
  out += worst(runs, rows, "Dominated by the most",
               [](const Row&, const OnLoad& on) { return on.wins.empty() ? 0 : 1 / on.wins.front().ratio; });
  return out;
}

}  // namespace docktor::bench
