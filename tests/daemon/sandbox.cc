#include "tests/daemon/sandbox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace docktor::test {
namespace fs = std::filesystem;

Sandbox::~Sandbox() {
  docktor("daemon stop --config " + path("docktor.yaml"));
  // What is left of it the mark finds.
}

Ran Sandbox::run(const std::string& command, const std::map<std::string, std::string>& environment) const {
  std::string line = fmt::format(
      "cd {} && timeout -k 5 90 env {}={} DOCKTOR_STATE_DIR={} DOCKTOR_RUNTIME_DIR={} DOCKTOR_LOG_DIR={}",
      dir_.path().string(), MarkedProcesses::name(), marked_.value(), path("state"), path("run"),
      path("log"));
  for (const auto& [key, v] : environment) line += fmt::format(" {}='{}'", key, v);
  line += " " + command + " 2>&1 </dev/null";
  Ran ran;
  FILE* pipe = ::popen(line.c_str(), "re");
  if (!pipe) return ran;
  char block[4096];
  for (std::size_t n; (n = std::fread(block, 1, sizeof block, pipe)) > 0;) ran.out.append(block, n);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

Ran Sandbox::docktor(const std::string& args) const { return run(std::string(DOCKTOR_BINARY) + " " + args); }

void Sandbox::start(const std::string& config) const {
  const Ran ran = docktor("daemon start --config " + config);
  ASSERT_EQ(ran.code, 0) << ran.out;
  ASSERT_NE(ran.out.find("✓ Daemon started successfully"), std::string::npos) << ran.out;
}

Sandbox::Json Sandbox::status(const std::string& service) const {
  const Ran ran = docktor("daemon status --json --config " + path("docktor.yaml") + " --service " + service);
  if (ran.code != 0) return nullptr;
  const auto all = Json::parse(ran.out, nullptr, false);
  if (!all.is_object() || all["services"].empty()) return nullptr;
  return all["services"][0];
}

int Sandbox::replicas(const std::string& service) const {
  const auto s = status(service);
  return s.is_object() ? s["ready"].get<int>() + s["starting"].get<int>() + s["failing"].get<int>() : -1;
}

int Sandbox::daemon_pid() const {
  const Ran ran = docktor("daemon status --json --config " + path("docktor.yaml"));
  const auto all = Json::parse(ran.out, nullptr, false);
  return ran.code == 0 && all.is_object() ? all["pid"].get<int>() : -1;
}

std::vector<Sandbox::Json> Sandbox::decisions(bool moves) const {
  std::vector<Json> out;
  std::error_code error;
  for (const auto& f : fs::recursive_directory_iterator(path("log"), error)) {
    if (f.path().filename() != "decisions.jsonl") continue;
    std::ifstream file(f.path());
    for (std::string line; std::getline(file, line);) {
      auto r = Json::parse(line, nullptr, false);
      if (r.is_object() && r.contains("decision") && (!moves || r["decision"] != "hold"))
        out.push_back(std::move(r));
    }
  }
  return out;
}

std::string Sandbox::moves() const {
  std::string text;
  for (const auto& d : decisions(true)) {
    text += fmt::format("{}{}→{}", text.empty() ? "" : " ", d["current_replicas"].get<int>(),
                        d["target_replicas"].get<int>());
  }
  return text;
}

void Sandbox::produce(const std::string& url, const std::string& name, int count, double rate) const {
  const Ran ran = run(DOCKTOR_PRODUCER, {{"NATS_URL", url},
                                         {"RUN_ID", name},
                                         {"COUNT", std::to_string(count)},
                                         {"RATE", fmt::format("{}", rate)},
                                         {"BURST_INTERVAL", "0"}});
  ASSERT_EQ(ran.code, 0) << ran.out;
}

std::map<long, int> Sandbox::processed(const std::string& name) const {
  std::map<long, int> seen;
  std::ifstream file(record_file());
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string run;
    long seq = 0;
    if (words >> run >> seq && run == name) ++seen[seq];
  }
  return seen;
}

bool Sandbox::all_processed(const std::string& name, int count) const {
  return static_cast<int>(processed(name).size()) == count;
}

std::map<int, int> Sandbox::jobs() const {
  std::map<int, int> seen;
  std::ifstream file(jobs_file());
  for (int job; file >> job;) ++seen[job];
  return seen;
}

std::string Sandbox::log() const {
  std::error_code error;
  for (const auto& f : fs::recursive_directory_iterator(path("log"), error)) {
    if (f.path().filename() != "docktor.log") continue;
    std::ifstream file(f.path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  return {};
}

std::string config_text(const ServiceText& t) {
  return fmt::format(R"(version: "1"
services:
  - name: consumer
    min_replicas: {}
    max_replicas: {}
    check_interval: {}
    metrics_window: {}
    sample_interval: 200ms
    rules:
      scale_up_when:
        - {{metric: queue.backlog, op: ">", value: 500}}
        - {{metric: queue.rate_in, op: ">", value: 200}}
      scale_down_when:
        - {{metric: queue.backlog, op: "<=", value: 100}}
        - {{metric: queue.rate_in, op: "<", value: 150}}
    queue: {{kind: nats, url: "{}", jetstream: true, stream: EVENTS, consumer: {}, subject: events.web}}
{}
    target:
      kind: process
      command: ["{}"]
      ready_after: 100ms
      environment: {{NATS_URL: "{}", CONSUMER: {}, PROCESS_TIME_MS: "{}", RECORD_FILE: "{}"}}
)",
                     t.min, t.max, t.interval, t.interval, t.url, t.consumer, t.more, DOCKTOR_WORKER, t.url,
                     t.consumer, t.process_time_ms, t.record_file);
}

std::string jobs_config(const std::string& queue, const std::string& command, const std::string& policy) {
  constexpr const char* kRules = R"(rules:
      scale_up_when: [{metric: queue.backlog, op: ">", value: 50}]
      scale_down_when: [{metric: queue.backlog, op: "<=", value: 5}])";
  return fmt::format(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 5
    check_interval: 500ms
    metrics_window: 2s
    {}
    queue: {}
    target: {{kind: process, command: [{}]}}
)",
                     policy.empty() ? kRules : policy, queue, command);
}

}  // namespace docktor::test
