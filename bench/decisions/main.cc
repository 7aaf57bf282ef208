// `make bench-decisions`: runs what is missing, then writes docs/decisions.md.
//
//     decisions_bench PROJECT-ROOT RESULTS-FOLDER [OUTPUT.md]
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "bench/decisions/document.h"

namespace {

using namespace docktor;
using namespace docktor::bench;

int failed(const std::string& why) {
  fmt::print(stderr, "decisions_bench: {}\n", why);
  return 1;
}

// One line that is rewritten in a terminal, one a minute elsewhere.
class Teller {
 public:
  explicit Teller(std::string what) : what_(std::move(what)) {}
  void operator()(double share, const std::string& now) {
    const auto t = std::chrono::steady_clock::now();
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    if (t < next_ && share < 1) return;
    next_ = t + (terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(60'000));
    fmt::print(stderr, "{}{}: {:3.0f} %  {}{}", terminal ? "\r\033[K" : "", what_, 100 * share, now,
               terminal && share < 1 ? "" : "\n");
  }

 private:
  std::string what_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return failed("usage: decisions_bench PROJECT-ROOT RESULTS-FOLDER [OUTPUT.md]");
  const std::filesystem::path root = argv[1];
  std::vector<sim::Load> loads;
  for (const char* name :
       {"worldcup-0610", "taxi", "ramp", "azure-conv", "square", "elb", "lbspikes", "seed-burst"}) {
    auto load = sim::load_from_file((root / "bench/traces" / name).string() + ".csv");
    if (!load) return failed(load.error().message);
    loads.push_back(std::move(*load));
  }
  Runs runs({{"3s", 5, 3, 0.75}, {"10s", 15, 10, 2.5}}, std::move(loads), root, argv[2]);

  Comparison c;
  for (const auto& peer : peers::all()) {
    if (!peer.settings.empty()) c.peers.push_back(peer.name);
  }
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<Job> objective, tuning, peers;
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    for (std::size_t load = 0; load < runs.loads().size(); ++load) {
      for (int seed = 1; seed <= c.seeds; ++seed) objective.push_back({setup, load, "objective", 0, seed});
      for (const auto& peer : peers::all()) {
        for (std::size_t s = 0; s < peer.settings.size(); ++s)
          tuning.push_back({setup, load, peer.name, s, 1});
      }
    }
  }
  if (const auto r = runs.run(objective, threads, Teller("objective")); !r) return failed(r.error().message);
  if (const auto r = runs.run(tuning, threads, Teller("tuning the peers")); !r)
    return failed(r.error().message);
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    for (const auto& peer : c.peers) c.tuned[{setup, peer}] = best_setting(runs, setup, peer);
    for (std::size_t load = 0; load < runs.loads().size(); ++load) {
      for (const auto& peer : c.peers) {
        for (int seed = 1; seed <= c.peer_seeds; ++seed) {
          peers.push_back({setup, load, peer, 0, seed});
          peers.push_back({setup, load, peer, c.tuned[{setup, peer}], seed});
        }
      }
    }
  }
  if (const auto r = runs.run(peers, threads, Teller("peers")); !r) return failed(r.error().message);
  Teller clairvoyant("clairvoyant");
  for (std::size_t setup = 0; setup < runs.setups().size(); ++setup) {
    c.frontiers.emplace_back();
    for (std::size_t load = 0; load < runs.loads().size(); ++load) {
      auto frontier = runs.frontier(setup, load, threads);
      if (!frontier) return failed(frontier.error().message);
      c.frontiers.back().push_back(std::move(*frontier));
      const double all = static_cast<double>(runs.setups().size() * runs.loads().size());
      clairvoyant(static_cast<double>(setup * runs.loads().size() + load + 1) / all, runs.loads()[load].name);
    }
  }
  const std::filesystem::path output = argc > 3 ? argv[3] : (root / "docs/decisions.md").string();
  std::ofstream out(output, std::ios::binary);
  out << document(runs, c);
  out.close();
  if (!out) return failed(fmt::format("cannot write {}", output.string()));
  fmt::print("{}\n", output.string());
  return 0;
}
