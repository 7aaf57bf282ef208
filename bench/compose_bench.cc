// How fast containers come and what watching them costs, on a real engine:
//
//   compose_bench more [ROUNDS]      four more replicas: docktor against the Compose command, turn by turn
//   compose_bench react [ROUNDS]     message that crosses a threshold published → container running
//   compose_bench stats [SECONDS]    the daemon's CPU while it samples that of 100 containers each second
//
// Prints lines for docs/performance.md. `make bench` runs all three, by
// `scripts/test-docker run -- build/bench/compose_bench more`.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/measured_daemon.h"
#include "docker/container.h"
#include "tests/compose/stack.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace {

using namespace docktor;
using namespace docktor::bench;
using namespace docktor::test;
using std::chrono::steady_clock;

double seconds_of(const std::function<void()>& work) {
  const auto begin = steady_clock::now();
  work();
  return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

void need(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error(what);
}

void more(int rounds) {
  Docker docker;
  const Stack ours("services:\n" + sleeper("worker")), theirs("services:\n" + sleeper("worker"));
  need(ours.compose("up -d").code == 0 && theirs.compose("up -d").code == 0, "docker compose up failed");
  Scaler s(ours, "worker", docker);
  need(s.ready(1), "the first replica does not come up");
  std::vector<double> docktor, compose, ratio;
  for (int i = 0; i < rounds; ++i) {
    const auto by_compose = [&] {
      compose.push_back(seconds_of([&] {
        need(theirs.compose("up -d --no-deps --no-recreate --scale worker=5 worker").code == 0,
             "compose failed");
      }));
    };
    const auto by_docktor = [&] {
      docktor.push_back(seconds_of([&] { need(s.scale(5).has_value(), "scaling failed"); }));
    };
    // Turn by turn, and each first as often: what else the machine does hits both.
    if (i % 2 == 0) by_compose();
    by_docktor();
    if (i % 2 == 1) by_compose();
    ratio.push_back(docktor.back() / compose.back());
    need(s.ready(5) && s.scale(1).has_value() && s.ready(1), "scaling down failed");
    theirs.compose("up -d --no-deps --no-recreate -t 0 --scale worker=1 worker");
  }
  fmt::print(
      "four more replicas: docktor {:.2f} s, compose {:.2f} s, ratio {:.2f} (medians of {} rounds; best "
      "{:.2f} "
      "and {:.2f} s)\n",
      median(docktor), median(compose), median(ratio), rounds, *std::ranges::min_element(docktor),
      *std::ranges::min_element(compose));
}

void react(int rounds) {
  const NatsServer server;
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"}, {{"storage", "memory"}});
  client.create_consumer("EVENTS", "WEB_WORKERS");
  const Stack stack("services:\n" + sleeper("worker"));
  need(stack.compose("up -d").code == 0, "docker compose up failed");
  MeasuredDaemon daemon;
  daemon.start(
      fmt::format("compose_file: {}\nservices:\n  - name: worker\n    min_replicas: 1\n    max_replicas: 2\n"
                  "    check_interval: 1\n    metrics_window: 1\n    target: {{kind: compose, project: {}}}\n"
                  "    rules:\n      scale_up_when: [{{metric: queue.backlog, op: \">\", value: 500}}]\n"
                  "      scale_down_when: [{{metric: queue.backlog, op: \"<=\", value: 0}}]\n"
                  "    queue: {{url: \"{}\", stream: EVENTS, consumer: WEB_WORKERS}}\n",
                  stack.file(), stack.project(), server.url()));
  std::vector<double> ms, published;
  for (int i = 0; i < rounds; ++i) {
    // Anywhere between two samples.
    std::this_thread::sleep_for(std::chrono::milliseconds(1500 + 137 * i % 1000));
    // The threshold is crossed by the mean over the window, too, in which the sample before may stand.
    client.publish_many("events.web", 1100);
    published.push_back(unix_now());
    // Looking takes a core by itself: not while the container starts. When it did, the engine tells.
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    need(eventually([&] { return stack.running("worker") == 2; }, kPatience, std::chrono::seconds(1)),
         "no second container came");
    const auto names = stack.containers("worker");
    double started = 0;
    for (const auto& name : names) {
      const auto at = parse_rfc3339(stack.inspect(name)["State"]["StartedAt"].get<std::string>());
      if (at) started = std::max(started, to_seconds(at->time_since_epoch()));
    }
    ms.push_back((started - published.back()) * 1e3);
    for (int half = 0; half < 2; ++half) {
      for (const auto& m : client.pull("EVENTS", "WEB_WORKERS", 550, std::chrono::seconds(20))) client.ack(m);
    }
    need(eventually([&] { return stack.containers("worker", "-a").size() == 1; }), "the second one stays");
  }
  // What the engine alone needs for such a container: no autoscaler comes below that.
  std::vector<double> alone;
  const auto stand_in = stack.project() + "-alone";
  for (int i = 0; i < 5; ++i) {
    must(fmt::format("docker create --init --network {0}_default --name {1} docktor-test/busybox sleep 10000",
                     stack.project(), stand_in));
    const double begin = unix_now();
    must("docker start " + stand_in);
    const auto at = parse_rfc3339(stack.inspect(stand_in)["State"]["StartedAt"].get<std::string>());
    need(at.has_value(), "the container alone did not start");
    alone.push_back((to_seconds(at->time_since_epoch()) - begin) * 1e3);
    must("docker rm -f " + stand_in);
  }
  std::vector<double> order, duration;
  for (const auto& r : daemon.decisions()) {
    if (r["decision"] != "scale_up" || order.size() >= published.size()) continue;
    order.push_back((r["t"].get<double>() - published[order.size()]) * 1e3);
    duration.push_back(r["duration"].get<double>() * 1e3);
  }
  print_quantiles("message that crosses a threshold published -> container running, sampled each second", ms);
  print_quantiles("... of which published -> order", order);
  print_quantiles("... of which order -> carried out", duration);
  print_quantiles("a container started by the engine alone, in the same network", alone);
}

void stats(int seconds) {
  const Stack stack("services:\n" + sleeper("worker"));
  need(stack.compose("up -d").code == 0, "docker compose up failed");
  MeasuredDaemon daemon;
  daemon.start(fmt::format(
      "compose_file: {}\nservices:\n  - name: worker\n    min_replicas: 100\n    max_replicas: 100\n"
      "    check_interval: 10\n    target: {{kind: compose, project: {}}}\n"
      "    rules:\n      scale_up_when: [{{metric: cpu.avg, op: \">\", value: 1000}}]\n",
      stack.file(), stack.project()));
  need(eventually([&] { return stack.running("worker") == 100; }, std::chrono::minutes(10),
                  std::chrono::seconds(2)),
       "100 containers do not come");
  std::this_thread::sleep_for(std::chrono::seconds(15));  // all ready, and sampled once
  const double before = daemon.cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  fmt::print("CPU of 100 containers sampled each second: {:.2f} % of a core, over {} s\n",
             100 * (daemon.cpu_seconds() - before) / seconds, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int n = argc > 2 ? std::atoi(argv[2]) : 0;
  try {
    if (what == "more")
      more(n > 0 ? n : 10);
    else if (what == "react")
      react(n > 0 ? n : 20);
    else if (what == "stats")
      stats(n > 0 ? n : 60);
    else {
      fmt::print(stderr, "usage: compose_bench more|react|stats [N]\n");
      return 2;
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "compose_bench: {}\n", e.what());
    return 1;
  }
  return 0;
}
