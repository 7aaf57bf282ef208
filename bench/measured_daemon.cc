#include "bench/measured_daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace docktor::bench {

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void print_quantiles(const char* what, std::vector<double> ms) {
  if (ms.empty()) {
    fmt::print("{}: nothing measured\n", what);
    return;
  }
  std::ranges::sort(ms);
  const auto at = [&](double q) {
    return ms[std::min(ms.size() - 1, static_cast<std::size_t>(q * static_cast<double>(ms.size())))];
  };
  fmt::print("{}: p50 {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms ({} times)\n", what, at(0.5), at(0.99),
             ms.back(), ms.size());
  std::fflush(stdout);
}

MeasuredDaemon::MeasuredDaemon() {
  for (const char* kind : {"STATE", "RUNTIME", "LOG"}) {
    ::setenv(fmt::format("DOCKTOR_{}_DIR", kind).c_str(), (dir_.path() / kind).c_str(), 1);
  }
}

MeasuredDaemon::~MeasuredDaemon() {
  if (pid() > 0) docktor("daemon stop --replicas");
}

void MeasuredDaemon::docktor(const std::string& args) const {
  const std::string line =
      fmt::format("cd {} && {} {} >/dev/null", dir_.path().string(), DOCKTOR_BINARY, args);
  if (std::system(line.c_str()) != 0)
    throw std::runtime_error(line + " failed");  // NOLINT(concurrency-mt-unsafe)
}

void MeasuredDaemon::start(const std::string& config) {
  dir_.file("docktor.yaml", config);
  docktor("daemon start --wait-ready");
}

std::vector<MeasuredDaemon::Json> MeasuredDaemon::decisions() const {
  std::vector<Json> out;
  for (const auto& f : std::filesystem::recursive_directory_iterator(dir_.path() / "LOG")) {
    if (f.path().filename() != "decisions.jsonl") continue;
    std::ifstream file(f.path());
    for (std::string line; std::getline(file, line);) {
      auto r = Json::parse(line, nullptr, false);
      if (r.is_object() && r.contains("decision")) out.push_back(std::move(r));
    }
  }
  return out;
}

int MeasuredDaemon::pid() const {
  std::error_code none;
  for (const auto& f : std::filesystem::recursive_directory_iterator(dir_.path() / "RUNTIME", none)) {
    if (f.path().filename() != "lock") continue;
    std::ifstream file(f.path());
    const auto note = Json::parse(file, nullptr, false);
    if (note.is_object()) return note.value("pid", -1);
  }
  return -1;
}

double MeasuredDaemon::cpu_seconds() const {
  std::ifstream file(fmt::format("/proc/{}/stat", pid()));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skip;
  for (int i = 0; i < 11; ++i) rest >> skip;
  long user = 0, system = 0;
  rest >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::map<std::string, long> MeasuredDaemon::memory_kilobytes() const {
  std::map<std::string, long> memory;
  std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid()));
  for (std::string line; std::getline(rollup, line);) {
    std::istringstream words(line);
    std::string key;
    long kb = 0;
    if (words >> key >> kb) memory[key] = kb;
  }
  return memory;
}

}  // namespace docktor::bench
