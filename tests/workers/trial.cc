#include "tests/workers/trial.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <random>
#include <thread>

#include "tests/workers/account.h"

namespace docktor::test {
namespace {

namespace fs = std::filesystem;

std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Lognormal with that mean and coefficient of variation.
class Jobs {
 public:
  explicit Jobs(const WorkerKind& w)
      : lognormal_(std::log(w.job_ms / 1000) - variance(w) / 2, std::sqrt(variance(w))) {}
  double next() { return std::min(10.0, lognormal_(random_)); }

 private:
  static double variance(const WorkerKind& w) { return std::log1p(w.job_cv * w.job_cv); }
  std::mt19937_64 random_{1};
  std::lognormal_distribution<double> lognormal_;
};

class Stage {
 public:
  explicit Stage(const Trial& trial) : trial_(trial), project_(fmt::format("workers-{}", ::getpid())) {
    client_.create_stream("EVENTS", {"events.jobs"}, {{"storage", "memory"}, {"retention", "workqueue"}});
    client_.create_consumer("EVENTS", "WORKERS", {{"max_ack_pending", -1}, {"ack_wait", 30'000'000'000}});
    box_.write("docktor.yaml",
               fmt::format(R"(services:
  - name: consumer
    min_replicas: 1
    max_replicas: {}
    check_interval: {}
    sample_interval: {}
    objective: {{max_wait: {}s}}
    queue: {{kind: nats, url: "{}", stream: EVENTS, consumer: WORKERS}}
    target: {}
)",
                           trial.max_replicas, trial.interval, trial.interval, trial.max_wait_seconds,
                           server_.url(), trial.compose ? containers() : processes()));
    if (trial.compose) {
      const Ran up = box_.run("docker compose up -d");
      EXPECT_EQ(up.code, 0) << up.out;
    }
    box_.start();
  }
  ~Stage() {
    box_.docktor("daemon stop --replicas --config " + box_.path("docktor.yaml"));
    if (trial_.compose) box_.run("docker compose down -v -t 1");
  }

  Played play(const std::function<void(double)>& progress) {
    std::mt19937_64 random{2};
    Jobs jobs(trial_.worker);
    Played played;
    const std::int64_t begin = unix_ns() + 100'000'000;
    double part_begin = 0, at = 0;
    for (const LoadPart& part : trial_.load) {
      const double part_end = part_begin + part.seconds;
      std::exponential_distribution<double> gap(std::max(part.rate, 1e-9));
      for (at = part_begin + gap(random); at < part_end; at += gap(random)) {
        publish(begin, at, jobs.next(), played);
        if (progress && played.sent % 64 == 0) progress(at);
      }
      part_begin = part_end;
    }
    wait_until(begin, part_begin);
    client_.flush();
    played.begin = static_cast<double>(begin) / 1e9;
    played.end = played.begin + part_begin;
    return played;
  }

  // Every message settled, or none for a minute.
  void drain() {
    long last = -1;
    auto moved = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - moved < kPatience) {
      const auto info = client_.consumer("EVENTS", "WORKERS");
      const long left = info["num_pending"].get<long>() + info["num_ack_pending"].get<long>();
      if (left == 0) return;
      if (left != last) moved = std::chrono::steady_clock::now();
      last = left;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }

  const Sandbox& box() const { return box_; }

 private:
  std::string environment() const {
    const WorkerKind& w = trial_.worker;
    return fmt::format(
        "{{NATS_URL: \"{}\", RECORD_FILE: \"{}\", START_SECONDS: \"{}\", FETCH: \"{}\", POLL_SECONDS: "
        "\"{}\", JOB: {}, "
        "PYTHONPATH: \"{}/python\", NODE_PATH: \"{}/node_modules\", PYTHONDONTWRITEBYTECODE: \"1\"}}",
        server_.url(), box_.record_file(), w.start_seconds, w.fetch, w.poll_seconds,
        w.burns ? "burn" : "sleep", worker_clients(), worker_clients());
  }
  std::string program() const { return std::string(DOCKTOR_WORKERS) + "/" + trial_.worker.program; }
  std::string processes() const {
    return fmt::format("{{kind: process, command: [\"{}/bin/{}\", \"{}\"], environment: {}}}",
                       worker_clients(), program().ends_with(".js") ? "node" : "python", program(),
                       environment());
  }
  // Containers of a Debian with its own python3; the clients and the worker are the host's, and so is the
  // network.
  std::string containers() const {
    box_.write(
        "docker-compose.yaml",
        fmt::format(
            "name: {}\nservices:\n  consumer:\n    image: docktor-test/base\n    network_mode: host\n"
            "    command: [python3, \"{}\"]\n    environment: {}\n    volumes: [\"{}:{}:ro\", \"{}:{}:ro\", "
            "\"{}:{}\"]\n",
            project_, program(), environment(), DOCKTOR_WORKERS, DOCKTOR_WORKERS, worker_clients(),
            worker_clients(), folder(), folder()));
    return fmt::format("{{kind: compose, compose_file: \"{}\"}}", box_.path("docker-compose.yaml"));
  }
  std::string folder() const { return fs::path(box_.record_file()).parent_path().string(); }

  static void wait_until(std::int64_t begin, double at) {
    const std::int64_t early = begin + static_cast<std::int64_t>(at * 1e9) - unix_ns();
    if (early > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(early));
  }
  void publish(std::int64_t begin, double at, double job, Played& played) {
    wait_until(begin, at);
    client_.publish_core("events.jobs", fmt::format("{} {} {:.0f}", played.sent,
                                                    begin + static_cast<std::int64_t>(at * 1e9), job * 1e6));
    ++played.sent;
    played.work += job;
  }

  const Trial& trial_;
  std::string project_;
  NatsServer server_;
  NatsClient client_{server_.url()};
  Sandbox box_;
};

}  // namespace

std::string worker_clients() {
  const std::string folder = DOCKTOR_WORKER_CLIENTS;
  return fs::exists(folder + "/fetched") ? folder : "";
}

Outcome run_trial(const Trial& trial, const std::function<void(double)>& progress,
                  const std::string& keep_journal) {
  Stage stage(trial);
  const Played played = stage.play(progress);
  stage.drain();
  auto decisions = stage.box().decisions();
  // A decision that was carried out is recorded once that has ended, perhaps after later ones.
  std::stable_sort(decisions.begin(), decisions.end(), [](const auto& a, const auto& b) {
    return a["t"].template get<double>() < b["t"].template get<double>();
  });
  if (!keep_journal.empty()) {
    std::ofstream out(keep_journal);
    for (const auto& d : decisions) out << d.dump() << "\n";
  }
  return account(played, stage.box().record_file(), decisions, trial.max_wait_seconds, trial.max_replicas);
}

}  // namespace docktor::test
