// What the daemon costs and how fast it reacts, on a real nats-server with real workers:
//
//   daemon_bench react [ROUNDS]       sample that crosses a threshold → order to the target
//   daemon_bench wake [ROUNDS]        at zero: message published → worker started → first acknowledgement
//   daemon_bench footprint [SECONDS]  memory and CPU of a daemon that samples one service each second
//
// With wake, for comparison: what the system needs, without docktor, to deliver that message and to start
// that worker.
//
// Prints lines for docs/performance.md. `make bench` runs all three.
#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/measured_daemon.h"
#include "os/spawn.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"
#include "tests/support/patience.h"

namespace {

using namespace docktor::bench;
using namespace docktor::test;

// One service of worker processes on a stream of its own.
class Bench {
 public:
  explicit Bench(const std::string& service) {
    client.create_stream("EVENTS", {"events.web"}, {{"storage", "memory"}});
    client.create_consumer("EVENTS", "WEB_WORKERS");
    daemon.start(
        "services:\n  - name: consumer\n" + service +
        fmt::format("    queue: {{kind: nats, url: \"{0}\", stream: EVENTS, consumer: WEB_WORKERS}}\n"
                    "    target:\n      kind: process\n      command: [\"{1}\"]\n      ready_after: 10ms\n"
                    "      environment: {{NATS_URL: \"{0}\", PROCESS_TIME_MS: \"0\"}}\n",
                    server.url(), DOCKTOR_WORKER));
  }

  NatsServer server;
  NatsClient client{server.url()};
  MeasuredDaemon daemon;
};

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
  for (const auto& r : b.daemon.decisions()) {
    if (r["decision"] != "scale_up" || r["inputs"].empty() ||
        r["reason"].get<std::string>().find("rate_in") == std::string::npos)
      continue;
    const double ms = (r["t"].get<double>() - r["inputs"].back()["t"].get<double>()) * 1e3;
    order.push_back(ms);
    started.push_back(ms + r["duration"].get<double>() * 1e3);
  }
  print_quantiles("sample that crosses a threshold -> order to the target", order);
  print_quantiles("sample that crosses a threshold -> worker process started", started);
}

// The same worker beside the daemon, for a stream of its own: started while a message waits.
void wake_alone(Bench& b, NatsClient& watcher, int rounds) {
  b.client.create_stream("ALONE", {"alone"}, {{"storage", "memory"}});
  b.client.create_consumer("ALONE", "ALONE");
  natsSubscription* acks = nullptr;
  natsConnection_SubscribeSync(&acks, watcher.get(), "$JS.ACK.ALONE.ALONE.>");
  watcher.flush();
  docktor::SpawnOptions alone;
  alone.command = {DOCKTOR_WORKER};
  alone.environment = {{"NATS_URL", b.server.url()},
                       {"PROCESS_TIME_MS", "0"},
                       {"STREAM", "ALONE"},
                       {"CONSUMER", "ALONE"},
                       {"SUBJECT", "alone"}};
  natsSubscription* plain = nullptr;
  natsConnection_SubscribeSync(&plain, watcher.get(), "alone");
  watcher.flush();
  std::vector<double> heard, spawned, first;
  for (int i = 0; i < rounds; ++i) {
    const double sent = unix_now();
    b.client.publish("alone");
    natsMsg* message = nullptr;
    if (natsSubscription_NextMsg(&message, plain, 10'000) != NATS_OK)
      throw std::runtime_error("no message at a plain subscriber");
    heard.push_back((unix_now() - sent) * 1e3);
    natsMsg_Destroy(message);
    const double begin = unix_now();
    const auto worker = docktor::spawn(alone);
    if (!worker) throw std::runtime_error(worker.error().message);
    spawned.push_back((unix_now() - begin) * 1e3);
    natsMsg* ack = nullptr;
    if (natsSubscription_NextMsg(&ack, acks, 10'000) != NATS_OK)
      throw std::runtime_error("no acknowledgement of the worker alone");
    first.push_back((unix_now() - begin) * 1e3);
    natsMsg_Destroy(ack);
    ::kill(worker->identity.pid, SIGKILL);
    ::waitpid(worker->identity.pid, nullptr, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // until the server knows, too
  }
  natsSubscription_Destroy(acks);
  natsSubscription_Destroy(plain);
  print_quantiles("without docktor: message published -> at a plain subscriber", heard);
  print_quantiles("without docktor: a worker process started", spawned);
  print_quantiles("without docktor: worker started with a message waiting -> its acknowledgement", first);
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
      const auto all = b.daemon.decisions();
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
  std::vector<double> started;
  std::size_t next = 0;
  for (const auto& r : b.daemon.decisions()) {
    if (r["decision"] != "scale_up" || next >= published.size()) continue;
    started.push_back((r["t"].get<double>() + r["duration"].get<double>() - published[next++]) * 1e3);
  }
  print_quantiles("at zero: message published -> worker process started", started);
  print_quantiles("at zero: message published -> first acknowledgement", acked);

  natsSubscription_Destroy(acks);
  wake_alone(b, watcher, rounds);
}

void footprint(int seconds) {
  Bench b(
      "    min_replicas: 1\n    max_replicas: 2\n    check_interval: 10\n"
      "    rules:\n      scale_up_when: [{metric: queue.backlog, op: \">\", value: 500}]\n");
  const double before = b.daemon.cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double cpu = 100.0 * (b.daemon.cpu_seconds() - before) / seconds;
  auto memory = b.daemon.memory_kilobytes();
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
