// What bad advice may cost: traces in the simulator, without an adviser and with one. Without --engine the
// adviser holds every scale-down and adds all it may; with it the answers come from a server, for example the
// engine with random weights in tests/llm/engine; with --random they are drawn, as that engine answers.
//
//     adviser_bench [--engine URL | --random] [--most SECONDS] [--seeds N] [--only down|up] TRACE.csv...
//
// Figures are means over the seeds, with the standard error of the points. --only leaves the other kind of
// question unanswered. Ends with 1 when a trace has more than 0.1 percentage points more late messages, or
// costs more than 1.5 times the replica-seconds.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "llm/model_adviser.h"
#include "sim/load.h"
#include "tests/llm/engine/compare.h"

namespace {

using namespace docktor;

constexpr double kMostMoreLate = 0.1;  // percentage points
constexpr double kMostCost = 1.5;

void cut(sim::Load& load, double most) {
  if (load.length() <= most) return;
  std::erase_if(load.rows, [&](const sim::Row& r) { return r.at >= most; });
  load.rows.push_back({most, 0});
}

struct Sum {
  double late = 0, late_with = 0, cost = 0, cost_with = 0, runs = 0;
  int asked = 0, answered = 0;
  std::vector<double> points;  // of each run

  // Of the mean of the points: how much of it is the policy's own swinging.
  double standard_error() const {
    if (runs < 2) return 0;
    const double mean = 100 * (late_with - late) / runs;
    double squares = 0;
    for (const double p : points) squares += (p - mean) * (p - mean);
    return std::sqrt(squares / (runs - 1) / runs);
  }

  void add(const test::Comparison& c) {
    late += c.without.over;
    late_with += c.with.over;
    cost += c.without.replica_seconds;
    cost_with += c.with.replica_seconds;
    runs += 1;
    points.push_back(100 * (c.with.over - c.without.over));
    asked += c.asked;
    answered += c.answered;
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::string engine;
  double most = 1e9;
  std::uint64_t seeds = 1;
  std::string only;
  bool random = false;
  std::vector<std::string> traces;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--engine" && i + 1 < argc)
      engine = argv[++i];
    else if (word == "--most" && i + 1 < argc)
      most = std::atof(argv[++i]);
    else if (word == "--seeds" && i + 1 < argc)
      seeds = std::strtoul(argv[++i], nullptr, 10);
    else if (word == "--random")
      random = true;
    else if (word == "--only" && i + 1 < argc)
      only = argv[++i];
    else
      traces.emplace_back(word);
  }
  LlmSpec spec;
  spec.provider = "openai";
  spec.base_url = engine;
  spec.model = "random";
  spec.timeout = std::chrono::seconds(120);
  std::unique_ptr<llm::ModelAdviser> model;
  if (!engine.empty()) model = std::make_unique<llm::ModelAdviser>(spec);

  bool within = !traces.empty();
  fmt::print("{:<20} {:<10} {:>7} {:>8} {:>10} {:>10} {:>9} {:>8} {:>7}\n", "trace", "policy", "asked",
             "answered", "late", "late with", "points", "", "cost");
  for (const auto& path : traces) {
    auto load = sim::load_from_file(path);
    if (!load) {
      fmt::print(stderr, "adviser_bench: {}\n", load.error().message);
      return 2;
    }
    cut(*load, most);
    for (const bool objective : {false, true}) {
      const auto service = test::compared_service(objective);
      auto all = model ? test::asking(*model, service) : test::Says(test::hoarder);
      const auto says = [&](const Decision& d, bool down) -> std::optional<Advice> {
        if (only == (down ? "up" : "down")) return std::nullopt;
        return all(d, down);
      };
      Sum sum;
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        if (random) all = test::random_adviser(static_cast<std::uint32_t>(seed));
        sum.add(test::compare(*load, service, says, seed));
      }
      const double points = 100 * (sum.late_with - sum.late) / sum.runs;
      const double cost = sum.cost_with / sum.cost;
      const bool ok = points <= kMostMoreLate && cost <= kMostCost;
      within = within && ok;
      fmt::print("{:<20} {:<10} {:>7} {:>8} {:>9.3f}% {:>9.3f}% {:>+9.3f} {:>8} {:>7.3f}{}\n",
                 path.substr(path.rfind('/') + 1), objective ? "objective" : "rules", sum.asked, sum.answered,
                 100 * sum.late / sum.runs, 100 * sum.late_with / sum.runs, points,
                 seeds > 1 ? fmt::format("±{:.3f}", sum.standard_error()) : "", cost, ok ? "" : "  BEYOND");
      std::fflush(stdout);
    }
  }
  return within ? 0 : 1;
}
