// How long it takes to sample many consumers, and how soon a published message wakes a watch; server
// included.
//   sample_bench [CONSUMERS [ROUNDS]]       defaults: 1000 20
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "queues/nats/jetstream_connections.h"
#include "queues/nats/jetstream_source.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace {

using namespace docktor;
using namespace docktor::test;
using Clock = std::chrono::steady_clock;

double ms(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

double cpu_ms() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto t = [](const timeval& v) {
    return static_cast<double>(v.tv_sec) * 1e3 + static_cast<double>(v.tv_usec) / 1e3;
  };
  return t(u.ru_utime) + t(u.ru_stime);
}

void show(const char* what, std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const auto at = [&](double q) {
    return v[std::min(v.size() - 1, static_cast<std::size_t>(q * static_cast<double>(v.size())))];
  };
  fmt::print("{:<58} p50 {:8.3f} ms   p90 {:8.3f} ms   max {:8.3f} ms\n", what, at(0.5), at(0.9), v.back());
}

// Reads all sources at once and waits for the last answer.
double read_all(std::vector<std::unique_ptr<JetStreamSource>>& sources) {
  std::mutex mutex;
  std::condition_variable all;
  std::size_t left = sources.size();
  int errors = 0;
  const auto begin = Clock::now();
  for (auto& s : sources) {
    s->read({std::chrono::seconds(30), {}}, [&](const Result<Reading>& r) {
      const std::lock_guard lock(mutex);
      errors += !r;
      if (--left == 0) all.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  all.wait(lock, [&] { return left == 0; });
  const double took = ms(Clock::now() - begin);
  if (errors) fmt::print("{} reads failed\n", errors);
  return took;
}

void sample(const char* what, NatsServer& server, NatsClient& client, int consumers, int rounds,
            const nlohmann::json& config, bool filtered, int per_stream) {
  JetStreamConnections pool;
  NatsSpec spec;
  spec.url = server.url();
  const auto connection = pool.get(NatsLinkOptions::from(spec));
  std::vector<std::unique_ptr<JetStreamSource>> sources;
  for (int i = 0; i < consumers; ++i) {
    const std::string stream = fmt::format("{}{}",
                                           filtered         ? "F"
                                           : config.empty() ? "P"
                                                            : "A",
                                           i / per_stream);
    if (i % per_stream == 0) client.create_stream(stream, {stream + ".>"}, config);
    const std::string name = fmt::format("C{}", i);
    client.create_consumer(stream, name,
                           filtered ? nlohmann::json{{"filter_subject", fmt::format("{}.{}.>", stream, i)}}
                                    : nlohmann::json::object());
    sources.push_back(
        std::make_unique<JetStreamSource>(connection, JetStreamSource::Options{stream, name, "", false}));
  }
  read_all(sources);  // connects, and learns the streams
  std::vector<double> took;
  const double before = cpu_ms();
  for (int i = 0; i < rounds; ++i) took.push_back(read_all(sources));
  show(what, took);
  fmt::print("{:<58} {:.1f} us of docktor's CPU per sample\n", "",
             (cpu_ms() - before) * 1e3 / consumers / rounds);
}

void wake(NatsServer& server, NatsClient& client) {
  JetStreamConnections pool;
  client.create_stream("W", {"w"});
  client.create_consumer("W", "C");
  NatsSpec spec;
  spec.url = server.url();
  JetStreamSource source(pool.get(NatsLinkOptions::from(spec)), {"W", "C", "", true});
  std::vector<double> took;
  for (int i = 0; i < 200; ++i) {
    std::mutex mutex;
    std::condition_variable woken;
    bool done = false;
    Clock::time_point at;
    source.watch([&] {
      const std::lock_guard lock(mutex);
      at = Clock::now();
      done = true;
      woken.notify_one();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // armed, and its last look is over
    const auto begin = Clock::now();
    natsConnection_PublishString(client.get(), "w", "x");
    {
      std::unique_lock lock(mutex);
      woken.wait(lock, [&] { return done; });
    }
    took.push_back(ms(at - begin));
    for (auto m = client.pull("W", "C", 10); !m.empty(); m = client.pull("W", "C", 10)) {
      for (const auto& d : m) client.ack(d);
    }
  }
  show("message published -> callback of the watch", took);
}

}  // namespace

int main(int argc, char** argv) {
  const int consumers = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 20;
  NatsServer server;
  NatsClient client(server.url());
  const auto name = [&](const char* what) { return fmt::format("{} consumers, {}", consumers, what); };
  sample(name("a stream each, one request").c_str(), server, client, consumers, rounds,
         nlohmann::json::object(), false, 1);
  sample(name("ten a stream, stream expires (max_age)").c_str(), server, client, consumers, rounds,
         {{"max_age", 86'400'000'000'000}}, false, 10);
  sample(name("ten a stream, filtered").c_str(), server, client, consumers, rounds, nlohmann::json::object(),
         true, 10);
  wake(server, client);
  return 0;
}
