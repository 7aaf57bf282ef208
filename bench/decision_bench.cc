// What a decision costs, and how fast the simulator is, in CPU time of one thread:
//
//   decision_bench TRACE.csv...
//
// Of each trace the samples that a run of the objective policy sees are kept, and given to autoscalers again
// and again: a sample taken in and a decision made of it. Then a day at 300 messages/s is simulated. Prints
// lines for docs/performance.md.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "core/autoscaler.h"
#include "policy/policies.h"
#include "sim/load.h"
#include "sim/run.h"

namespace {

using namespace docktor;

constexpr int kRounds = 25;

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

ServiceSpec service() {
  ServiceSpec s;
  s.name = "consumer";
  s.limits.max_replicas = 100;
  s.check_interval = s.sample_interval = std::chrono::seconds(1);
  s.queue = QueueSpec{};
  s.objective = ObjectiveSpec{};
  return s;
}

// Microseconds a decision, median and worst of the rounds.
std::pair<double, double> decision_time(const sim::Load& load) {
  sim::RunSpec run;
  run.load = &load;
  run.service = service();
  std::vector<std::pair<Input, Time>> seen;
  run.watch = [&](const Input& in, const Decision& d) { seen.emplace_back(in, d.at); };
  sim::run(run, make_policy);
  std::vector<double> us;
  for (int i = 0; i < kRounds; ++i) {
    Autoscaler autoscaler(run.service, make_policy(run.service));
    const double begin = cpu_seconds();
    for (const auto& [in, at] : seen) {
      autoscaler.observe(in);
      autoscaler.evaluate(at, in.replicas);
    }
    us.push_back((cpu_seconds() - begin) / static_cast<double>(seen.size()) * 1e6);
  }
  std::ranges::sort(us);
  return {us[us.size() / 2], us.back()};
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto load = sim::load_from_file(argv[i]);
    if (!load) {
      fmt::print(stderr, "decision_bench: {}\n", load.error().message);
      return 2;
    }
    const auto [median, worst] = decision_time(*load);
    fmt::print(
        "a sample and its decision, objective policy, {:<16} median {:.2f} us, worst of {} rounds {:.2f} "
        "us\n",
        load->name, median, kRounds, worst);
  }
  const sim::Load day{"day", {{0, 300}, {86'400, 0}}};
  sim::RunSpec run;
  run.load = &day;
  run.service = service();
  const double begin = cpu_seconds();
  const auto r = sim::run(run, make_policy);
  fmt::print(
      "simulated: {:.1f} million messages (a day at 300/s) with the objective policy in {:.2f} s of CPU\n",
      static_cast<double>(r.messages) / 1e6, cpu_seconds() - begin);
  return 0;
}
