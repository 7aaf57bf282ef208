// A study: several contenders on one load in one world, each over several seeds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/run.h"

namespace docktor::sim {

/// Who is to be judged: a policy with the limits it runs under.
struct Contender {
  std::string name;
  ServiceSpec service;
  PolicyMaker make;
};

/// What came of one contender over all seeds.
struct Outcome {
  RunResult mean;               ///< of every number; `series` is the first seed's
  std::vector<RunResult> runs;  ///< by seed, without series
};

struct StudySpec {
  const Load* load = nullptr;
  World world;
  Time begin{};    ///< see RunSpec
  int seeds = 1;   ///< 1, 2, ..., so many; the same draws for every contender
  double bin = 0;  ///< more than 0: the first seed's series, with bins of so many seconds
  int threads = 1;
  std::function<void(double share)> progress;  ///< of the whole study; called from one thread at a time
};

/// Outcomes in the contenders' order. Deterministic, whatever the number of threads.
std::vector<Outcome> study(const StudySpec& spec, const std::vector<Contender>& contenders);

/// Mean of every number of some runs of the same length.
RunResult mean_of(const std::vector<RunResult>& runs);

/// Half the width of the 95 % confidence interval of a mean (Student's t); 0 for fewer than two values.
double confidence_95(const std::vector<double>& values);

}  // namespace docktor::sim
