// The simulator compared with the real thing: one load, message by message the same, once on a real
// nats-server with real worker processes that a real daemon scales, once in virtual time.
//
//   live_bench [LOAD.csv] [OUTPUT.md OUTPUT.svg]      default load: bench/traces/live.csv
//
// What the simulation is told of the workers (capacity, start-up) is what the daemon learned in the real run.
#include <fmt/format.h>
#include <nats/nats.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "policy/policies.h"
#include "sim/run.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"
#include "tests/support/temp_dir.h"

namespace {

using namespace docktor;
using Json = nlohmann::json;

constexpr double kMaxWait = 5;
constexpr int kMostReplicas = 30;
constexpr std::uint64_t kSeed = 1;

/// Replicas asked for from an instant on, seconds since the load began.
struct Step {
  double at = 0;
  int current = 0;
};

struct Outcome {
  std::vector<Step> replicas;
  std::vector<double> waits;  // seconds, sorted
  double replica_seconds = 0;
  double capacity = 0, start_up = 0, start_up_deviation = 0;  // as learned
};

constexpr const char* kPreamble = R"(# The simulator against the real thing

Written by `make bench-live`. The load of `bench/traces/live.csv` is played twice, the same messages at the same instants: once to a
real nats-server, with worker processes that a real daemon scales (50 ms a message, 2.5 s until a worker connects), once in virtual
time by what `docktor simulate` runs. The objective is 5 s. What the simulation is told of the workers is what the daemon learned.

![Replicas over time, live and simulated](live.svg)

)";

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int replicas_at(const std::vector<Step>& steps, double t) {
  int n = 1;
  for (const Step& s : steps) {
    if (s.at > t) break;
    n = s.current;
  }
  return n;
}

double area(const std::vector<Step>& steps, double length) {
  double sum = 0;
  for (std::size_t i = 0; i < steps.size() && steps[i].at < length; ++i) {
    const double to = i + 1 < steps.size() ? std::min(steps[i + 1].at, length) : length;
    sum += steps[i].current * (to - std::max(0.0, steps[i].at));
  }
  return sum;
}

class Live {
 public:
  Live() {
    client_.create_stream("EVENTS", {"events.web"}, {{"storage", "memory"}});
    client_.create_consumer("EVENTS", "WEB_WORKERS", {{"max_ack_pending", -1}});
    dir_.file("docktor.yaml",
              fmt::format(
                  "services:\n  - name: consumer\n    min_replicas: 1\n    max_replicas: {0}\n"
                  "    check_interval: 1s\n    objective: {{max_wait: {1}s}}\n"
                  "    queue: {{kind: nats, url: \"{2}\", stream: EVENTS, consumer: WEB_WORKERS}}\n"
                  "    target:\n      kind: process\n      command: [/bin/sh, -c, \"sleep 2.5; exec {3}\"]\n"
                  "      ready_after: 2600ms\n"
                  "      environment: {{NATS_URL: \"{2}\", PROCESS_TIME_MS: \"50\", BATCH_SIZE: \"1\", "
                  "RECORD_FILE: \"{4}\"}}\n",
                  kMostReplicas, kMaxWait, server_.url(), DOCKTOR_WORKER, records().string()));
    for (const char* kind : {"STATE", "RUNTIME", "LOG"}) {
      ::setenv(fmt::format("DOCKTOR_{}_DIR", kind).c_str(), (dir_.path() / kind).c_str(), 1);
    }
    docktor("daemon start --wait-ready");
    std::this_thread::sleep_for(std::chrono::seconds(5));  // the first worker connects
  }
  ~Live() { docktor("daemon stop --replicas"); }

  Outcome run(const sim::Load& load) {
    sim::Arrivals arrivals(load, {}, kSeed);
    const std::int64_t begin = unix_ns() + 1'000'000'000;
    std::uint64_t sent = 0;
    for (double at = arrivals.next(); std::isfinite(at); at = arrivals.next()) {
      const std::int64_t due = begin + static_cast<std::int64_t>(at * 1e9);
      const std::int64_t early = due - unix_ns();
      if (early > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(early));
      publish(sent++, due);
      if (sent % 256 == 0) {
        fmt::print(stderr, "\rlive: {:3.0f} of {:.0f} s, {} messages ", at, load.length(), sent);
        std::fflush(stderr);
      }
    }
    client_.flush();
    const double rest = load.length() - static_cast<double>(unix_ns() - begin) / 1e9;
    if (rest > 0) std::this_thread::sleep_for(std::chrono::duration<double>(rest));
    while (true) {
      const auto info = client_.consumer("EVENTS", "WEB_WORKERS");
      if (info["num_pending"] == 0 && info["num_ack_pending"] == 0) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    fmt::print(stderr, "\n");
    return account(begin, load.length(), sent);
  }

 private:
  std::filesystem::path records() const { return dir_.path() / "processed"; }

  void docktor(const std::string& args) const {
    const std::string line =
        fmt::format("cd {} && {} {} >/dev/null", dir_.path().string(), DOCKTOR_BINARY, args);
    if (std::system(line.c_str()) != 0) fmt::print(stderr, "live_bench: {} failed\n", line);
  }

  void publish(std::uint64_t sequence, std::int64_t due) {
    natsMsg* m = nullptr;
    natsMsg_Create(&m, "events.web", nullptr, "x", 1);
    natsMsgHeader_Set(m, "Nats-Msg-Id", fmt::format("live-{}", sequence).c_str());
    natsMsgHeader_Set(m, "Intended-Time-Ns", std::to_string(due).c_str());
    natsConnection_PublishMsg(client_.get(), m);
    natsMsg_Destroy(m);
  }

  Outcome account(std::int64_t begin, double length, std::uint64_t sent) const {
    Outcome out;
    std::ifstream in(records());
    std::string run;
    std::uint64_t sequence = 0;
    std::int64_t intended = 0, begun = 0, pid = 0;
    while (in >> run >> sequence >> intended >> begun >> pid)
      out.waits.push_back(static_cast<double>(begun - intended) / 1e9);
    std::sort(out.waits.begin(), out.waits.end());
    if (out.waits.size() != sent)
      fmt::print(stderr, "live_bench: {} of {} messages were processed\n", out.waits.size(), sent);
    for (const auto& f : std::filesystem::recursive_directory_iterator(dir_.path() / "LOG")) {
      if (f.path().filename() != "decisions.jsonl") continue;
      std::ifstream file(f.path());
      for (std::string line; std::getline(file, line);) {
        const auto r = Json::parse(line, nullptr, false);
        if (!r.is_object() || !r.contains("decision")) continue;
        out.replicas.push_back(
            {r.at("t").get<double>() - static_cast<double>(begin) / 1e9, r.at("target_replicas")});
        const auto numbers = r.value("numbers", Json::object());
        out.capacity = numbers.value("capacity", out.capacity);
        out.start_up = numbers.value("start_up", out.start_up);
        out.start_up_deviation = numbers.value("start_up_deviation", out.start_up_deviation);
      }
    }
    out.replica_seconds = area(out.replicas, length);
    return out;
  }

  test::NatsServer server_;
  test::NatsClient client_{server_.url()};
  test::TempDir dir_;
};

Outcome simulated(const sim::Load& load, const Outcome& live) {
  sim::RunSpec r;
  r.load = &load;
  r.seed = kSeed;
  r.world.worker.service_mean = 1 / live.capacity;
  r.world.worker.service_cv = 0;
  r.world.worker.startup_mean = live.start_up;
  r.world.worker.startup_sd = live.start_up_deviation;
  r.world.worker.prefetch = 2;  // the worker asks for the next message while it works
  r.service.name = "consumer";
  r.service.limits.min_replicas = 1;
  r.service.limits.max_replicas = kMostReplicas;
  r.service.check_interval = r.service.sample_interval = std::chrono::seconds(1);
  r.service.queue = QueueSpec{};
  r.service.objective = ObjectiveSpec{seconds(kMaxWait), 0.99};
  Outcome out;
  r.watch = [&](const Input& in, const Decision& d) {
    out.replicas.push_back({to_seconds(in.at), d.target});
  };
  const auto result = sim::run(r, make_policy);
  // Quantiles as the simulator's histogram gives them: within 1.1 %.
  out.waits = {result.p50, result.p95, result.p99, result.max, result.over};
  out.replica_seconds = area(out.replicas, load.length());
  return out;
}

// Load as an area, both trajectories as steps.
std::string svg(const sim::Load& load, const Outcome& live, const Outcome& virtual_run) {
  constexpr double kWidth = 900, kHeight = 300, kLeft = 50, kBottom = 260, kTop = 30;
  const double length = load.length();
  double most = load.peak() / live.capacity;
  for (const auto& o : {live, virtual_run}) {
    for (const Step& s : o.replicas) most = std::max(most, static_cast<double>(s.current));
  }
  const auto x = [&](double t) { return kLeft + (kWidth - kLeft - 15) * std::clamp(t / length, 0.0, 1.0); };
  const auto y = [&](double n) { return kBottom - (kBottom - kTop) * n / most; };
  const auto path = [&](const std::vector<Step>& steps) {
    std::string d = fmt::format("M{:.1f},{:.1f}", x(0), y(replicas_at(steps, 0)));
    for (const Step& s : steps) {
      if (s.at > 0 && s.at < length) d += fmt::format("H{:.1f}V{:.1f}", x(s.at), y(s.current));
    }
    return d + fmt::format("H{:.1f}", x(length));
  };
  std::string area_path = fmt::format("M{:.1f},{:.1f}", x(0), y(0));
  for (std::size_t i = 0; i + 1 < load.rows.size(); ++i) {
    area_path += fmt::format("V{:.1f}H{:.1f}", y(load.rows[i].rate / live.capacity), x(load.rows[i + 1].at));
  }
  area_path += fmt::format("V{:.1f}Z", y(0));
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n"
      "<title>Replicas over time: the daemon's and the simulator's</title>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<path d=\"{}\" fill=\"#e3e7ee\"/>\n",
      kWidth, kHeight, area_path);
  for (int n = 0; n <= most; n += most > 12 ? 5 : 2) {
    out += fmt::format(
        "<path d=\"M{:.1f},{:.1f}H{:.1f}\" stroke=\"#ccd\" stroke-width=\"0.5\"/><text x=\"{:.1f}\" "
        "y=\"{:.1f}\" "
        "text-anchor=\"end\" fill=\"#445\">{}</text>\n",
        kLeft, y(n), kWidth - 15, kLeft - 6, y(n) + 4, n);
  }
  for (double t = 0; t <= length; t += 60) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"#445\">{:.0f} s</text>\n",
                       x(t), kBottom + 18, t + 60 > length ? "end" : "middle", t);
  }
  out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#0b62c4\" stroke-width=\"2\"/>\n",
                     path(live.replicas));
  out += fmt::format(
      "<path d=\"{}\" fill=\"none\" stroke=\"#d4600a\" stroke-width=\"2\" stroke-dasharray=\"5 3\"/>\n",
      path(virtual_run.replicas));
  out += fmt::format(
      "<text x=\"{0}\" y=\"18\" fill=\"#0b62c4\">live replicas</text><text x=\"{1}\" y=\"18\" "
      "fill=\"#d4600a\">"
      "simulated replicas</text><text x=\"{2}\" y=\"18\" fill=\"#667\">load, in replicas' "
      "worth</text>\n</svg>\n",
      kLeft, kLeft + 110, kLeft + 250);
  return out;
}

std::string document(const sim::Load& load, const Outcome& live, const Outcome& virtual_run) {
  double square = 0, apart = 0, seconds = 0;
  for (double t = 0.5; t < load.length(); t += 1, ++seconds) {
    const double gap = replicas_at(live.replicas, t) - replicas_at(virtual_run.replicas, t);
    square += gap * gap;
    apart += std::fabs(gap) > 1;
  }
  std::string out = fmt::format(
      "| | live | simulated |\n| --- | --- | --- |\n"
      "| messages | {} | the same |\n| wait p50 | {:.2f} s | {:.2f} s |\n| wait p95 | {:.2f} s | {:.2f} s |\n"
      "| wait p99 | {:.2f} s | {:.2f} s |\n| longest wait | {:.2f} s | {:.2f} s |\n"
      "| over {:g} s | {:.3f} % | {:.3f} % |\n| replica-seconds ordered | {:.0f} | {:.0f} |\n\n"
      "Learned by the live daemon, and given to the simulation: {:.2f} messages/s a replica, start-up {:.2f} "
      "s ± {:.2f} s. "
      "Trajectories: root mean square difference {:.2f} replicas, more than one apart for {:.0f} % of the "
      "time.\n\n"
      "| from second | load | live replicas | simulated replicas |\n| --- | --- | --- | --- |\n",
      live.waits.size(), quantile(live.waits, 0.5), virtual_run.waits[0], quantile(live.waits, 0.95),
      virtual_run.waits[1], quantile(live.waits, 0.99), virtual_run.waits[2],
      live.waits.empty() ? 0 : live.waits.back(), virtual_run.waits[3], kMaxWait,
      100.0 *
          static_cast<double>(
              std::count_if(live.waits.begin(), live.waits.end(), [](double w) { return w > kMaxWait; })) /
          static_cast<double>(std::max<std::size_t>(1, live.waits.size())),
      100 * virtual_run.waits[4], live.replica_seconds, virtual_run.replica_seconds, live.capacity,
      live.start_up, live.start_up_deviation, std::sqrt(square / seconds), 100 * apart / seconds);
  for (double t = 0; t < load.length(); t += 20) {
    double rate = 0;
    for (const auto& row : load.rows) {
      if (row.at <= t) rate = row.rate;
    }
    out += fmt::format("| {:.0f} | {:.0f}/s | {} | {} |\n", t, rate, replicas_at(live.replicas, t + 10),
                       replicas_at(virtual_run.replicas, t + 10));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const auto load = sim::load_from_file(argc > 1 ? argv[1] : DOCKTOR_TRACES "/live.csv");
  if (!load) {
    fmt::print(stderr, "live_bench: {}\n", load.error().message);
    return 1;
  }
  Outcome live;
  {
    Live real;
    live = real.run(*load);
  }
  if (!(live.capacity > 0)) {
    fmt::print(stderr, "live_bench: the daemon learned no capacity\n");
    return 1;
  }
  const Outcome virtual_run = simulated(*load, live);
  const std::string text = document(*load, live, virtual_run);
  fmt::print("{}", text);
  if (argc > 3) {
    std::ofstream(argv[2]) << kPreamble << text;
    std::ofstream(argv[3]) << svg(*load, live, virtual_run);
  }
  return 0;
}
