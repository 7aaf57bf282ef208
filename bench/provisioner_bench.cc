// What docs/library.md quotes: the library against a private nats-server, server and load on the same
// machine.
//   provisioner_bench [seed|steady|throughput|wake|churn|restart|cost]...    default: all, some three minutes
// Each line ends with the target that it is compared with.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/provisioner_bare.h"
#include "bench/provisioner_stage.h"
#include "docktor/docktor.h"

namespace {

using namespace docktor;
using namespace docktor::bench;

void line(const std::string& what, const std::string& measured, const std::string& target) {
  fmt::print("{:<62} {:<58} {}\n", what, measured, target);
  std::fflush(stdout);
}

std::string quantiles(std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double q) {
    return ms[std::min(ms.size() - 1, static_cast<std::size_t>(q * static_cast<double>(ms.size())))];
  };
  return fmt::format("p50 {:.2f} ms, p90 {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms", at(0.5), at(0.9), at(0.99),
                     ms.back());
}

Result<void> no_work(Message&) { return {}; }

// ---- the yardstick

// What nats.c alone does on this machine, now: the targets of time were set on another one.
double bare(int handlers, int requests, int in_flight) {
  Stage s;
  Bare yardstick(s.server.url(), handlers);
  yardstick.run(requests / 10, in_flight);
  return yardstick.run(requests, in_flight);
}

// ---- the seed's two batches under the seed's law

void seed() {
  const double yardstick = bare(4, 10'000, 1);
  line("nats.c alone, 4 handlers, 10,000 sequential requests", fmt::format("{:.2f} s", yardstick), "");
  Stage s;
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", no_work);
  std::mutex mutex;
  std::vector<int> now;  // instances wanted, as they change
  ProvisionerOptions how{.law = RateLaw{}};
  how.on_event = [&](const ProvisionerEvent& e) {
    if (e.kind != ProvisionerEvent::Kind::kScaling) return;
    const std::lock_guard lock(mutex);
    now.push_back(e.to);
  };
  auto running = start_provisioner({}, *s.connection, pool, "TEST", "PROCESSOR", how).value();
  std::vector<std::string> texts;
  for (int batch = 1; batch <= 2; ++batch) {
    std::size_t from = 0;
    {
      const std::lock_guard lock(mutex);
      from = now.size();
    }
    int retries = 0;
    const int before = running.target();
    const auto t0 = Clock::now();
    for (int i = 0; i < 10'000; ++i) {
      const std::string id = fmt::format("{}.{}", batch, i);
      while (!s.requester->request("test.a", "", {.timeout = std::chrono::seconds(1), .id = id})) ++retries;
    }
    const double took = seconds(Clock::now() - t0);
    std::vector<int> steps;
    {
      const std::lock_guard lock(mutex);
      steps.assign(now.begin() + static_cast<std::ptrdiff_t>(from), now.end());
    }
    int most = before, reversals = 0, last = before;
    for (const int n : steps) {
      reversals += n < last;
      most = std::max(most, n);
      last = n;
    }
    line(fmt::format("seed's batch {}, 10,000 sequential requests", batch),
         fmt::format("{:.2f} s ({:.2f} of nats.c's), {} retries, {} -> {} instances, {} reversals", took,
                     took / yardstick, retries, before, fmt::join(steps, " -> "), reversals),
         "3 s (1.58), 0, at least 2, 0");
    if (batch == 1) {
      std::this_thread::sleep_for(std::chrono::seconds(3));
      line("... in the pause", fmt::format("{} instances, {} at most before", running.target(), most),
           "fewer, never below 0");
    }
  }
}

// ---- the default law under constant load

void steady_at(double rate) {
  Stage s;
  std::atomic<std::uint64_t> busy_ns{0}, calls{0};
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", [&](Message&) -> Result<void> {
    const auto t0 = Clock::now();
    std::this_thread::sleep_for(milliseconds(5));
    busy_ns += static_cast<std::uint64_t>((Clock::now() - t0).count());
    ++calls;
    return {};
  });
  ObjectiveLaw law;
  law.max_instances = 100;
  auto running = start_provisioner({}, *s.connection, pool, "TEST", "PROCESSOR", {.law = law}).value();
  Load load(*s.requester, 64, rate);
  std::this_thread::sleep_for(std::chrono::seconds(8));
  const auto calls0 = calls.load(), busy0 = busy_ns.load();
  const auto t0 = Clock::now();
  std::set<int> seen;
  while (Clock::now() - t0 < std::chrono::seconds(7)) {
    seen.insert(running.target());
    std::this_thread::sleep_for(milliseconds(20));
  }
  const double lambda = static_cast<double>(calls - calls0) / seconds(Clock::now() - t0);
  const double work = static_cast<double>(busy_ns - busy0) / 1e9 / static_cast<double>(calls - calls0);
  load.stop();
  const double offered = lambda * work;
  line(fmt::format("default law, 64 in flight, 5 ms of work, {}",
                   rate > 0 ? fmt::format("{:.0f}/s", rate) : "as fast as it goes"),
       fmt::format("{:.0f}/s x {:.2f} ms: {:.0f} wanted; {} to {} instances", lambda, work * 1e3,
                   std::ceil(offered / 0.8), *seen.begin(), *seen.rbegin()),
       "within 1 of ceil(load/0.8), and stays");
}

void steady() {
  for (const double rate : {400.0, 1000.0, 1600.0}) steady_at(rate);
  steady_at(0);
}

// ---- throughput

double answers_per_second(std::uint64_t& failures) {
  Stage s;
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", no_work);
  ObjectiveLaw law;
  law.min_instances = law.max_instances = 8;
  auto running = start_provisioner({}, *s.connection, pool, "TEST", "PROCESSOR", {.law = law}).value();
  Load load(*s.requester, 64);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto n0 = load.answered();
  const auto t0 = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(4));
  const double rate = static_cast<double>(load.answered() - n0) / seconds(Clock::now() - t0);
  load.stop();
  failures += load.failures();
  return rate;
}

// In turns, since a shared machine is not the same from one minute to the next.
void throughput() {
  std::vector<double> yardsticks, rates, ratios;
  std::uint64_t failures = 0;
  for (int round = 0; round < 5; ++round) {
    yardsticks.push_back(80'000 / bare(8, 80'000, 64));
    rates.push_back(answers_per_second(failures));
    ratios.push_back(rates.back() / yardsticks.back());
  }
  for (auto* v : {&yardsticks, &rates, &ratios}) std::ranges::sort(*v);
  line("nats.c alone, 64 in flight, 8 handlers", fmt::format("{:.0f} answers/s (of five)", yardsticks[2]),
       "");
  line("64 in flight, no work, 8 instances",
       fmt::format("{:.0f} answers/s ({:.2f} of nats.c's, {:.2f} to {:.2f}), {} failures", rates[2],
                   ratios[2], ratios.front(), ratios.back(), failures),
       "25,000/s (0.83)");
}

// ---- from zero instances to the answer

void wake() {
  Stage s;
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", no_work);
  ObjectiveLaw law;
  law.idle_after = milliseconds(20);
  law.max_wait = milliseconds(100);  // it comes back to zero after twice that, so that there are many rounds
  law.sample_interval = law.check_interval = milliseconds(20);
  auto running = start_provisioner({}, *s.connection, pool, "TEST", "PROCESSOR", {.law = law}).value();
  std::vector<double> took;
  for (int i = 0; i < 100; ++i) {
    while (running.instances() > 0 || running.target() > 0) std::this_thread::sleep_for(milliseconds(2));
    std::this_thread::sleep_for(milliseconds(80));  // the watch is armed, and its last look is over
    const auto t0 = Clock::now();
    (void)s.requester->request("test.a", "", {.timeout = std::chrono::seconds(30)});
    took.push_back(seconds(Clock::now() - t0) * 1e3);
  }
  line("from zero instances to the answer to the first request", quantiles(took), "p99 10 ms");
}

// ---- nothing lost, nothing answered twice

ThreadProvisioner::Work counting(Count& count) {
  return [&count](Message& m) -> Result<void> {
    ++count.worked[static_cast<std::size_t>(std::stoul(std::string(m.data())))];
    return {};
  };
}

void churn() {
  constexpr int kMessages = 200'000, kChanges = 1'000;
  Stage s;
  Count count(kMessages);
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", counting(count));
  Sender sender(*s.requester, count, std::chrono::seconds(60));
  std::thread load([&] { sender.run(); });
  std::mt19937 random(1);
  std::vector<InstanceId> ids;
  int changes = 0;
  const auto t0 = Clock::now();
  for (; changes < kChanges; ++changes) {
    // Spread over the whole load, as fast as it goes.
    while (sender.answers() < static_cast<std::uint64_t>(changes) * (kMessages / kChanges) && !ids.empty())
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (ids.empty() || (ids.size() < 12 && random() % 2)) {
      ids.push_back(pool.start_instance({}).value());
    } else {
      const std::size_t i = random() % ids.size();
      (void)pool.stop_instance({}, ids[i]);
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  if (ids.empty()) (void)pool.start_instance({});
  load.join();
  const auto stats = pool.stats();
  line(fmt::format("{} messages, {} random starts and stops", kMessages, changes),
       fmt::format("{}; {:.1f} s, {} given back", count.text(), seconds(Clock::now() - t0), stats.given_back),
       "0, 0, 0, 0");
}

void restart_once(bool crash) {
  constexpr int kMessages = 50'000;
  Stage s(milliseconds(2'000));
  Count count(kMessages);
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", counting(count));
  for (int i = 0; i < 4; ++i) (void)pool.start_instance({});
  Sender sender(*s.requester, count, milliseconds(2'000));
  std::thread load([&] { sender.run(); });
  while (sender.answers() < kMessages / 2) std::this_thread::sleep_for(milliseconds(1));
  crash ? s.server.kill() : s.server.stop();
  s.server.start();
  load.join();
  const auto stats = pool.stats();
  line(fmt::format("{} messages, the server {} in the middle", kMessages, crash ? "killed" : "restarted"),
       fmt::format("{}; {} sent again, {} came again and were not worked on", count.text(), sender.retries(),
                   stats.repeats),
       crash ? "0, 0; duplicates counted" : "0, 0, 0, 0");
}

void restart() {
  restart_once(false);
  restart_once(true);
}

// ---- what watching costs

std::set<int> threads() {
  std::set<int> out;
  for (const auto& e : std::filesystem::directory_iterator("/proc/self/task"))
    out.insert(std::stoi(e.path().filename()));
  return out;
}

double cpu_ms(int tid) {  // user and system, from the scheduler: nanoseconds
  std::ifstream in(fmt::format("/proc/self/task/{}/schedstat", tid));
  double ns = 0;
  in >> ns;
  return ns / 1e6;
}

void cost() {
  Stage s;
  std::mutex mutex;
  std::set<int> handlers;
  ThreadProvisioner pool(*s.connection, "TEST", "PROCESSOR", [&](Message&) -> Result<void> {
    thread_local bool known = false;
    if (!known) {
      known = true;
      const std::lock_guard lock(mutex);
      handlers.insert(static_cast<int>(syscall(SYS_gettid)));
    }
    return {};
  });
  ObjectiveLaw law;
  law.min_instances = 4;
  // The watching has a connection of its own here, so that its threads can be told apart: those that begin
  // between the two snapshots, but for the handlers.
  const auto before = threads();
  const auto watching = Connection::connect(s.server.url()).value();
  auto running = start_provisioner({}, watching, pool, "TEST", "PROCESSOR", {.law = law}).value();
  while (running.instances() < 4) std::this_thread::sleep_for(milliseconds(1));
  const auto after = threads();
  Load load(*s.requester, 64, 20'000);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  std::map<int, double> begin;
  for (const int t : threads()) begin[t] = cpu_ms(t);
  const auto n0 = load.answered();
  const auto t0 = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(6));
  double watch_ms = 0, handler_ms = 0;
  {
    const std::lock_guard lock(mutex);
    for (const int t : threads()) {
      if (!begin.contains(t)) continue;
      const double used = cpu_ms(t) - begin[t];
      if (handlers.contains(t))
        handler_ms += used;
      else if (after.contains(t) && !before.contains(t))
        watch_ms += used;
    }
  }
  const double rate = static_cast<double>(load.answered() - n0) / seconds(Clock::now() - t0);
  load.stop();
  line(fmt::format("watching, default law, at {:.0f}/s", rate),
       fmt::format("{:.1f} ms of CPU against {:.0f} ms of the handlers: {:.2f} %", watch_ms, handler_ms,
                   100 * watch_ms / handler_ms),
       "3 %");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::pair<std::string, void (*)()>> all = {
      {"seed", seed},       {"steady", steady}, {"throughput", throughput}, {"wake", wake}, {"churn", churn},
      {"restart", restart}, {"cost", cost}};
  std::set<std::string> wanted(argv + 1, argv + argc);
  for (const auto& [name, run] : all) {
    if (argc == 1 || wanted.erase(name)) run();
  }
  if (argc > 1 && !wanted.empty()) {
    fmt::print(stderr, "provisioner_bench: there is no '{}'\n", *wanted.begin());
    return 2;
  }
  return 0;
}
