#include "bench/decisions/replay.h"

#include <fmt/format.h>

#include <optional>

#include "sim/contenders.h"

namespace docktor::bench {
namespace {

std::optional<Job> job_of(const Runs& runs, const std::string& regime, const std::string& load) {
  for (std::size_t s = 0; s < runs.setups().size(); ++s) {
    const Setup& setup = runs.setups()[s];
    for (std::size_t l = 0; setup.name == regime && l < setup.loads(); ++l) {
      if (setup.load(l).name == load) return Job{s, l, "", 0, 1};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<void> replay(const Runs& runs, const std::string& regime, const std::string& load,
                    const std::string& policy, std::size_t setting) {
  auto job = job_of(runs, regime, load);
  if (!job)
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{}, {}: no such regime or load; name them as the document does: c20-s10-w60 taxi",
                    regime, load));
  job->policy = policy;
  job->setting = setting;
  sim::Load begun;
  sim::RunSpec spec = runs.spec(*job, begun);
  auto c = sim::contender(policy, spec.service, runs.known(job->setup), policy == "objective" ? 0 : setting);
  if (!c) return tl::unexpected(c.error());
  spec.service = c->service;
  double told = -1e9;
  spec.watch = [&](const Input& in, const Decision& d) {
    const double now = to_seconds(in.at);
    if (d.action == Action::kHold && now - told < 60) return;
    told = now;
    const auto pending = in.queue ? in.queue->num_pending : 0;
    std::string numbers;
    for (const auto& [name, value] : d.recommendation.numbers)
      numbers += fmt::format(" {} {:.3g}", name, value);
    fmt::print("{:8.1f} s  waiting {:6}  ready {:3}  {:3} → {:3}  {}{}{}\n", now, pending, in.replicas.ready,
               d.current, d.target, d.reason, numbers.empty() ? "" : "; ", numbers);
  };
  const auto r = sim::run(spec, c->make);
  fmt::print(
      "late {:.3f} %, p99 {:.2f} s, max {:.1f} s, rho {:.3f}, replica-seconds {:.0f}, reversals/h {:.0f}\n",
      100 * r.over, r.p99, r.max, r.rho, r.replica_seconds, r.per_hour(r.reversals));
  return {};
}

}  // namespace docktor::bench
