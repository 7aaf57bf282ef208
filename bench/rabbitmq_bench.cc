// What it costs to sample many queues of one RabbitMQ server each second, and how soon each answers.
//   rabbitmq_bench [QUEUES [SECONDS]]       defaults: 1000 60
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "queues/rabbitmq/rabbitmq_source.h"
#include "tests/rabbitmq/rabbitmq_server.h"

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

// Of the whole Erlang machine.
double cpu_seconds_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  double user = 0, system = 0;
  std::sscanf(text.c_str() + text.rfind(')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
              &system);
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void show(const char* what, std::vector<double>& v) {
  std::sort(v.begin(), v.end());
  const auto at = [&](double q) {
    return v[static_cast<std::size_t>(q * static_cast<double>(v.size() - 1))];
  };
  fmt::print("{:<50} p50 {:.1f} ms   p90 {:.1f} ms   p99 {:.1f} ms   max {:.1f} ms\n", what, at(0.5), at(0.9),
             at(0.99), v.back());
}

}  // namespace

int main(int argc, char** argv) {
  const int queues = argc > 1 ? std::atoi(argv[1]) : 1000, length = argc > 2 ? std::atoi(argv[2]) : 60;
  if (const auto why = why_no_rabbitmq(); !why.empty()) {
    fmt::print("{}\n", why);
    return 1;
  }
  RabbitServerProcess server;
  RabbitClient client(server);
  RabbitServers servers;
  std::vector<std::unique_ptr<RabbitSource>> sources;
  for (int i = 0; i < queues; ++i) {
    const auto name = fmt::format("queue-{}", i);
    client.declare(name);
    client.publish(name, i % 7);
    Settings s;
    s.set("url", Url{server.url()});
    s.set("management_url", Url{server.management_url()});
    s.set("queue", name);
    const auto spec = RabbitSpec::from(s);
    sources.push_back(std::make_unique<RabbitSource>(servers.get(spec, {}), RabbitSource::Options{spec}));
  }
  std::mutex mutex;
  std::vector<double> took;
  std::atomic<int> errors = 0, whole = 0, left = 0;
  std::string error;
  std::atomic<bool> count = false;
  const auto read_all = [&] {
    left = queues;
    for (auto& source : sources) {
      source->read({std::chrono::seconds(2), {}}, [&, begin = SteadyClock::now()](const Result<Reading>& r) {
        if (count) {
          const std::lock_guard lock(mutex);
          took.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
          if (!r) error = r.error().message;
          errors += !r;
          whole += r && r->queue->num_ack_pending.has_value();
        }
        --left;
      });
    }
  };
  auto next = SteadyClock::now();
  const auto rounds = [&](int n) {
    for (int i = 0; i < n; ++i) {
      read_all();
      next += std::chrono::seconds(1);
      std::this_thread::sleep_until(next);
      while (left > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  };
  rounds(15);  // until the API has figures of all
  count = true;
  const double cpu = cpu_seconds(), server_cpu = cpu_seconds_of(server.beam_pid());
  const auto begin = SteadyClock::now();
  rounds(length);
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  fmt::print(
      "{} queues, each once a second for {:.0f} s: {} samples, {} errors {}, {} with figures of the API\n",
      queues, seconds, took.size(), errors.load(), error, whole.load());
  fmt::print("{:<50} {:.1f} % of a core\n", "CPU of the sampling", 100 * (cpu_seconds() - cpu) / seconds);
  fmt::print("{:<50} {:.1f} % of a core\n", "CPU of RabbitMQ",
             100 * (cpu_seconds_of(server.beam_pid()) - server_cpu) / seconds);
  show("from asking to the sample", took);
}
