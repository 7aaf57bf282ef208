// A program under test: started with an environment, its output kept, ended with the test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "os/spawn.h"
#include "tests/support/marked_processes.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {

class Program {
 public:
  Program(const MarkedProcesses& mark, const std::string& output, std::vector<std::string> command,
          const std::map<std::string, std::string>& environment)
      : output_(output) {
    SpawnOptions options;
    options.command = std::move(command);
    options.environment = inherited_environment();
    for (const auto& [key, value] : environment) options.environment[key] = value;
    options.environment[MarkedProcesses::name()] = mark.value();
    const Fd out(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    options.output = out.get();
    auto spawned = spawn(options);
    if (!spawned) throw std::runtime_error(spawned.error().message);
    process_ = std::move(*spawned);
  }
  ~Program() {
    signal(SIGKILL);
    exit_code();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return process_.identity.pid; }
  bool ended() const { return has_ended(process_.pidfd); }
  void signal(int number) { send_signal(process_.pidfd, number); }

  /// Waits for its end; the exit code, 128 + n after signal n, -1 when it does not end in time.
  int exit_code() {
    if (code_ >= 0) return code_;
    if (!eventually([this] { return ended(); })) return -1;
    int status = 0;
    ::waitpid(pid(), &status, 0);
    return code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string output() const {
    std::ifstream in(output_);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  bool says(const std::string& text) const {
    return eventually([&] { return output().find(text) != std::string::npos; });
  }

 private:
  std::string output_;
  Spawned process_;
  int code_ = -1;
};

/// A line of RECORD_FILE: of the producer, `at_ns` is the confirmation; of a worker, when it began.
struct Record {
  std::string run;
  long sequence = 0;
  std::int64_t intended_ns = 0;
  std::int64_t at_ns = 0;
};

inline std::vector<Record> records_in(const std::string& path) {
  std::vector<Record> records;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Record r;
    if (words >> r.run >> r.sequence >> r.intended_ns >> r.at_ns) records.push_back(r);
  }
  return records;
}

/// How often each sequence number is on record.
inline std::map<long, int> counts(const std::vector<Record>& records) {
  std::map<long, int> counts;
  for (const auto& r : records) ++counts[r.sequence];
  return counts;
}

}  // namespace docktor::test
