// What the daemon costs and how fast it reacts, on a real nats-server with real workers:
//
//   daemon_bench react [ROUNDS]       sample that crosses a threshold → order to the target
//   daemon_bench wake [ROUNDS]        at zero: message published → worker process started → its first
//   acknowledgement daemon_bench footprint [SECONDS]  memory and CPU of a one-service daemon that samples
//   each second
//
// Prints lines for docs/performance.md. `make bench` runs all three.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace docktor::test;
using Json = nlohmann::json;

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class Bench {
 public:
  explicit Bench(const std::string& service) {
    client.create_stream("EVENTS", {"events.web"}, {{"storage", "memory"}});
    client.create_consumer("EVENTS", "WEB_WORKERS");
    dir.file("docktor.yaml",
             "services:\n  - name: consumer\n" + service +
                 fmt::format(
                     "    queue: {{kind: nats, url: \"{0}\", stream: EVENTS, consumer: WEB_WORKERS}}\n"
                     "    target:\n      kind: process\n      command: [\"{1}\"]\n      ready_after: 10ms\n"
                     "      environment: {{NATS_URL: \"{0}\", PROCESS_TIME_MS: \"0\"}}\n",
                     server.url(), DOCKTOR_WORKER));
    for (const char* kind : {"STATE", "RUNTIME", "LOG"}) {
      ::setenv(fmt::format("DOCKTOR_{}_DIR", kind).c_str(), (dir.path() / kind).c_str(), 1);
    }
    docktor("daemon start --wait-ready");
  }
  ~Bench() { docktor("daemon stop --replicas"); }

  void docktor(const std::string& args) const {
    const std::string line =
        fmt::format("cd {} && {} {} >/dev/null", dir.path().string(), DOCKTOR_BINARY, args);
    if (std::system(line.c_str()) != 0) throw std::runtime_error(line + " failed");
  }

  std::vector<Json> records() const {
    std::vector<Json> out;
    for (const auto& f : std::filesystem::recursive_directory_iterator(dir.path() / "LOG")) {
      if (f.path().filename() != "decisions.jsonl") continue;
      std::ifstream file(f.path());
      for (std::string line; std::getline(file, line);) {
        auto r = Json::parse(line, nullptr, false);
        if (r.is_object() && r.contains("decision")) out.push_back(std::move(r));
      }
    }
    return out;
  }

  int daemon_pid() const {
    for (const auto& f : std::filesystem::recursive_directory_iterator(dir.path() / "RUNTIME")) {
      if (f.path().filename() != "lock") continue;
      std::ifstream file(f.path());
      const auto note = Json::parse(file, nullptr, false);
      if (note.is_object()) return note.value("pid", -1);
    }
    return -1;
  }

  NatsServer server;
  NatsClient client{server.url()};
  TempDir dir;
};

void print(const char* what, std::vector<double> ms) {
  std::ranges::sort(ms);
  const auto at = [&](double q) {
    return ms[std::min(ms.size() - 1, static_cast<std::size_t>(q * static_cast<double>(ms.size())))];
  };
  if (ms.empty()) {
    fmt::print("{}: nothing measured\n", what);
    return;
  }
  fmt::print("{}: p50 {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms ({} times)\n", what, at(0.5), at(0.99),
             ms.back(), ms.size());
  std::fflush(stdout);
}

void react(int rounds) {
  Bench b(
      "    min_replicas: 1\n    max_replicas: 2\n    check_interval: 250ms\n    sample_interval: 250ms\n    "
      "metrics_window: 250ms\n"
      "    rules:\n      scale_up_when: [{metric: queue.rate_in, op: \">\", value: 50}]\n"
      "      scale_down_when: [{metric: queue.rate_in, op: \"<\", value: 10}]\n");
  for (int i = 0; i < rounds; ++i) {
    b.client.publish_many("events.web", 200);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  }
  std::vector<double> order, started;
  for (const auto& r : b.records()) {
    if (r["decision"] != "scale_up" || r["inputs"].empty() ||
        r["reason"].get<std::string>().find("rate_in") == std::string::npos)
      continue;
    const double ms = (r["t"].get<double>() - r["inputs"].back()["t"].get<double>()) * 1e3;
    order.push_back(ms);
    started.push_back(ms + r["duration"].get<double>() * 1e3);
  }
  print("sample that crosses a threshold -> order to the target", order);
  print("sample that crosses a threshold -> worker process started", started);
}

void wake(int rounds) {
  Bench b(
      "    min_replicas: 0\n    max_replicas: 2\n    check_interval: 300ms\n    sample_interval: 100ms\n    "
      "metrics_window: 300ms\n"
      "    rules:\n      scale_up_when: [{metric: queue.backlog, op: \">\", value: 500}]\n"
      "      scale_down_when: [{metric: queue.backlog, op: \"<=\", value: 0}, {metric: "
      "queue.num_ack_pending, op: \"<=\", value: 0}]\n");
  natsSubscription* acks = nullptr;
  NatsClient watcher(b.server.url());
  natsConnection_SubscribeSync(&acks, watcher.get(), "$JS.ACK.EVENTS.WEB_WORKERS.>");
  watcher.flush();
  std::vector<double> published, acked;
  for (int i = 0; i < rounds; ++i) {
    const auto zero = [&] {
      const auto all = b.records();
      return !all.empty() && all.back()["target_replicas"] == 0;
    };
    if (i > 0 && !eventually(zero, kPatience, std::chrono::milliseconds(50))) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(400));  // the worker is gone and the watch is set
    published.push_back(unix_now());
    b.client.publish("events.web");
    natsMsg* ack = nullptr;
    if (natsSubscription_NextMsg(&ack, acks, 10'000) != NATS_OK)
      throw std::runtime_error("no acknowledgement");
    acked.push_back((unix_now() - published.back()) * 1e3);
    natsMsg_Destroy(ack);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  natsSubscription_Destroy(acks);
  std::vector<double> started;
  std::size_t next = 0;
  for (const auto& r : b.records()) {
    if (r["decision"] != "scale_up" || next >= published.size()) continue;
    started.push_back((r["t"].get<double>() + r["duration"].get<double>() - published[next++]) * 1e3);
  }
  print("at zero: message published -> worker process started", started);
  print("at zero: message published -> first acknowledgement", acked);
}

void footprint(int seconds) {
  Bench b(
      "    min_replicas: 1\n    max_replicas: 2\n    check_interval: 10\n"
      "    rules:\n      scale_up_when: [{metric: queue.backlog, op: \">\", value: 500}]\n");
  const int pid = b.daemon_pid();
  const auto ticks = [&] {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream rest(text.substr(text.rfind(')') + 2));
    std::string skip;
    for (int i = 0; i < 11; ++i) rest >> skip;
    long user = 0, system = 0;
    rest >> user >> system;
    return user + system;
  };
  const long before = ticks();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double cpu =
      100.0 * static_cast<double>(ticks() - before) / static_cast<double>(::sysconf(_SC_CLK_TCK)) / seconds;
  std::map<std::string, long> memory;
  std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
  for (std::string line; std::getline(rollup, line);) {
    std::istringstream words(line);
    std::string key;
    long kb = 0;
    if (words >> key >> kb) memory[key] = kb;
  }
  fmt::print(
      "one service, sampled each second, after {} s: {:.2f} % of a core, {:.1f} MB private dirty, {:.1f} MB "
      "resident\n",
      seconds, cpu, static_cast<double>(memory["Private_Dirty:"]) / 1024,
      static_cast<double>(memory["Rss:"]) / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int n = argc > 2 ? std::atoi(argv[2]) : 0;
  try {
    if (what == "react")
      react(n > 0 ? n : 50);
    else if (what == "wake")
      wake(n > 0 ? n : 200);
    else if (what == "footprint")
      footprint(n > 0 ? n : 600);
    else {
      fmt::print(stderr, "usage: daemon_bench react|wake|footprint [N]\n");
      return 2;
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "daemon_bench: {}\n", e.what());
    return 1;
  }
  return 0;
}
