// The runs behind docs/decisions.md: which there are, and each one's result, kept on disk under the hash of
// the code that it depends on, so that an interrupted bench goes on where it was and a change runs only what
// it touches.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/result.h"
#include "policy/peers/peers.h"
#include "sim/clairvoyant.h"
#include "sim/load.h"
#include "sim/run.h"

namespace docktor::bench {

/// One world that all traces are run in.
struct Setup {
  std::string name;                                              ///< for file names
  double max_wait = 5, start_up = 3, start_up_deviation = 0.75;  ///< seconds
};

/// One run: who, with which of his settings, on which load, which seed.
struct Job {
  std::size_t setup = 0;
  std::size_t load = 0;
  std::string policy;
  std::size_t setting = 0;
  int seed = 1;
  auto operator<=>(const Job&) const = default;
};

/// Runs jobs, or takes their results from the folder. Thread-safe but for construction.
class Runs {
 public:
  /// `sources`: the project's root, whose files' hashes name the results. `folder` is made where missing.
  Runs(std::vector<Setup> setups, std::vector<sim::Load> loads, const std::filesystem::path& sources,
       std::filesystem::path folder);

  /// All of them, `threads` at a time; `told(share, what)` now and then. Those that are on disk cost nothing.
  Result<void> run(std::vector<Job> jobs, int threads,
                   const std::function<void(double share, const std::string& what)>& told);

  /// A job's result; it must have been run.
  const sim::RunResult& of(const Job& job) const { return results_.at(job); }

  /// The clairvoyant frontier of a load (seed 1), from disk or computed now.
  Result<std::vector<sim::FrontierPoint>> frontier(std::size_t setup, std::size_t load, int threads) const;

  const std::vector<Setup>& setups() const { return setups_; }
  const std::vector<sim::Load>& loads() const { return loads_; }
  peers::Known known(std::size_t setup) const { return {kCapacity, setups_[setup].start_up}; }

  static constexpr double kCapacity = 20;  ///< messages per second of a worker: 50 ms each

 private:
  sim::RunSpec spec(std::size_t setup, std::size_t load, int seed) const;
  std::filesystem::path file(const Job& job) const;

  std::vector<Setup> setups_;
  std::vector<sim::Load> loads_;
  std::filesystem::path folder_;
  std::string world_hash_, objective_hash_, peers_hash_;
  std::map<Job, sim::RunResult> results_;
};

}  // namespace docktor::bench
