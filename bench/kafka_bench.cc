// What it costs to sample many groups, each on a topic of its own, of one Kafka broker each second, and how soon each
// answers: all with nothing to do, then all with a backlog, so that each group is asked for its commits each second.
//   kafka_bench [GROUPS [SECONDS]]       defaults: 1000 60
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "queues/kafka/kafka_source.h"
#include "tests/kafka/kafka_client.h"
#include "tests/kafka/kafka_server.h"

namespace {

using namespace docktor;
using namespace docktor::test;
using SteadyClock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto t = [](const timeval& v) {
    return static_cast<double>(v.tv_sec) + static_cast<double>(v.tv_usec) / 1e6;
  };
  return t(u.ru_utime) + t(u.ru_stime);
}

struct Run {
  std::mutex mutex;
  std::vector<double> took;  // ms
  std::string error;
  int errors = 0;
};

void read_all(std::vector<std::unique_ptr<KafkaSource>>& sources, int seconds, Run& run) {
  auto next = SteadyClock::now();
  std::atomic<std::size_t> left = 0;
  for (int i = 0; i < seconds; ++i) {
    left = sources.size();
    for (auto& source : sources) {
      source->read({std::chrono::seconds(5), {}}, [&, begin = SteadyClock::now()](const Result<Reading>& r) {
        {
          const std::lock_guard lock(run.mutex);
          run.took.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
          if (!r) run.error = r.error().message;
          run.errors += !r;
        }
        --left;
      });
    }
    next += std::chrono::seconds(1);
    std::this_thread::sleep_until(next);
    while (left > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void measure(const char* what, std::vector<std::unique_ptr<KafkaSource>>& sources, int seconds) {
  {
    Run warm_up;
    read_all(sources, 12, warm_up);
  }
  Run run;
  const double cpu = cpu_seconds();
  const auto begin = SteadyClock::now();
  read_all(sources, seconds, run);
  const double length = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  auto& v = run.took;
  std::sort(v.begin(), v.end());
  const auto at = [&](double q) {
    return v[static_cast<std::size_t>(q * static_cast<double>(v.size() - 1))];
  };
  fmt::print("{} groups, {}, each once a second for {:.0f} s: {} samples, {} errors {}\n", sources.size(),
             what, length, v.size(), run.errors, run.error);
  fmt::print(
      "  CPU of the sampling {:.1f} % of a core; from asking to the sample p50 {:.0f} ms, p99 {:.0f} ms, max "
      "{:.0f} ms\n",
      100 * (cpu_seconds() - cpu) / length, at(0.5), at(0.99), v.back());
}

}  // namespace

int main(int argc, char** argv) {
  const int groups = argc > 1 ? std::atoi(argv[1]) : 1000, length = argc > 2 ? std::atoi(argv[2]) : 60;
  if (const auto why = why_no_kafka(); !why.empty()) {
    fmt::print("{}\n", why);
    return 1;
  }
  KafkaServerProcess server;
  KafkaClusters clusters;
  std::vector<std::unique_ptr<KafkaSource>> sources;
  {
    KafkaAdmin admin(server.url());
    for (int i = 0; i < groups; ++i) {
      const KafkaSpec spec{.servers = server.url(),
                           .topics = {fmt::format("topic-{}", i)},
                           .group = fmt::format("group-{}", i),
                           .earliest = true};
      admin.create(spec.topics.front());
      sources.push_back(std::make_unique<KafkaSource>(clusters.get(spec, {}), KafkaSource::Options{spec}));
    }
  }
  measure("nothing to do", sources, length);
  {
    KafkaAdmin admin(server.url());
    for (int i = 0; i < groups; ++i) admin.produce(fmt::format("topic-{}", i));
  }
  measure("all with a backlog", sources, length);
}
