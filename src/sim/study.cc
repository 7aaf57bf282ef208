#include "sim/study.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

namespace docktor::sim {

std::vector<Outcome> study(const StudySpec& spec, const std::vector<Contender>& contenders) {
  const auto seeds = static_cast<std::size_t>(std::max(1, spec.seeds));
  const std::size_t jobs = contenders.size() * seeds;
  std::vector<RunResult> results(jobs);
  std::vector<double> shares(jobs, 0);
  std::mutex progress;
  std::atomic<std::size_t> next = 0;

  const auto work = [&] {
    for (std::size_t job = next++; job < jobs; job = next++) {
      const Contender& contender = contenders[job / seeds];
      RunSpec run_spec;
      run_spec.load = spec.load;
      run_spec.world = spec.world;
      run_spec.service = contender.service;
      run_spec.seed = job % seeds + 1;
      run_spec.begin = spec.begin;
      run_spec.bin = run_spec.seed == 1 ? spec.bin : 0;
      const auto tell = [&](double share) {
        if (!spec.progress) return;
        const std::lock_guard lock(progress);
        shares[job] = share;
        double sum = 0;
        for (const double s : shares) sum += s;
        spec.progress(sum / static_cast<double>(jobs));
      };
      run_spec.progress = tell;
      results[job] = run(run_spec, contender.make);
      tell(1);
    }
  };
  std::vector<std::jthread> helpers;
  for (int i = 1; i < spec.threads; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();

  std::vector<Outcome> outcomes;
  for (std::size_t c = 0; c < contenders.size(); ++c) {
    Outcome o;
    const auto from = results.begin() + static_cast<std::ptrdiff_t>(c * seeds);
    auto series = std::move(from->series);
    o.runs.assign(from, from + static_cast<std::ptrdiff_t>(seeds));
    o.mean = mean_of(o.runs);
    o.mean.series = std::move(series);
    outcomes.push_back(std::move(o));
  }
  return outcomes;
}

RunResult mean_of(const std::vector<RunResult>& runs) {
  RunResult m;
  if (runs.empty()) return m;
  const auto n = static_cast<double>(runs.size());
  const auto real = [&](auto field) {
    double sum = 0;
    for (const RunResult& r : runs) sum += r.*field;
    m.*field = sum / n;
  };
  const auto whole = [&](auto field) {
    double sum = 0;
    for (const RunResult& r : runs) sum += static_cast<double>(r.*field);
    m.*field = static_cast<std::remove_reference_t<decltype(m.*field)>>(std::llround(sum / n));
  };
  using R = RunResult;
  for (const auto field : {&R::length, &R::replica_seconds, &R::service_seconds, &R::rho, &R::mean, &R::p50,
                           &R::p95, &R::p99, &R::p999, &R::max, &R::over, &R::mean_replicas}) {
    real(field);
  }
  for (const auto field : {&R::starts, &R::stops, &R::actions, &R::reversals, &R::peak_replicas})
    whole(field);
  for (const auto field : {&R::messages, &R::decisions}) whole(field);
  for (const auto field :
       {&Elasticity::theta_u, &Elasticity::theta_o, &Elasticity::tau_u, &Elasticity::tau_o}) {
    double sum = 0;
    for (const RunResult& r : runs) sum += r.elasticity.*field;
    m.elasticity.*field = sum / n;
  }
  return m;
}

double confidence_95(const std::vector<double>& values) {
  // Student's t, 97.5 %, by degrees of freedom; from 30 on the normal distribution's value is near enough.
  constexpr std::array<double, 30> kT = {0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                                         2.306, 2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
                                         2.120, 2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069,
                                         2.064, 2.060,  2.056, 2.052, 2.048, 2.045};
  if (values.size() < 2) return 0;
  const auto n = static_cast<double>(values.size());
  double mean = 0, square = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) square += (v - mean) * (v - mean);
  const std::size_t freedom = values.size() - 1;
  const double t = freedom < kT.size() ? kT[freedom] : 1.96;
  return t * std::sqrt(square / static_cast<double>(freedom) / n);
}

}  // namespace docktor::sim
