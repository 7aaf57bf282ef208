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

#include "bench/decisions/setups.h"
#include "core/result.h"
#include "policy/peers/peers.h"
#include "sim/clairvoyant.h"
#include "sim/run.h"

namespace docktor::bench {

/// One run: who, with which of his settings, on which load (Setup::load), which seed. The settings of `objective` are
/// its check intervals: 0 the one that follows from the objective, 1 ten seconds.
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
  Runs(std::vector<Setup> setups, const std::filesystem::path& sources, std::filesystem::path folder);

  /// All of them, `threads` at a time; `told(share, what)` now and then. Those that are on disk cost nothing.
  Result<void> run(std::vector<Job> jobs, int threads,
                   const std::function<void(double share, const std::string& what)>& told);

  /// Whether all of them are on disk.
  bool kept(const std::vector<Job>& jobs) const;

  /// A job's result; it must have been run.
  const sim::RunResult& of(const Job& job) const { return results_.at(job); }

  /// The clairvoyant frontier of a load (seed 1), from disk or computed now.
  Result<std::vector<sim::FrontierPoint>> frontier(std::size_t setup, std::size_t load, int threads) const;

  const std::vector<Setup>& setups() const { return setups_; }
  peers::Known known(std::size_t setup) const { return {setups_[setup].capacity, setups_[setup].start_up}; }

  /// What is run for a job; `load` is the place for the load of that seed.
  sim::RunSpec spec(const Job& job, sim::Load& load) const;

  /// Seconds between two decisions of the objective policy.
  static double interval(const Setup& setup, std::size_t setting);

 private:
  std::filesystem::path file(const Job& job) const;

  std::vector<Setup> setups_;
  std::filesystem::path folder_;
  std::string world_hash_, objective_hash_, peers_hash_;
  std::map<Job, sim::RunResult> results_;
};

}  // namespace docktor::bench
