// Finds and ends the processes that a test started, however they ran away: by a mark in their environment.
#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "os/proc.h"
#include "tests/support/patience.h"

namespace docktor::test {

/// Put name() = value() into the environment of what the test starts. The destructor kills what is left.
class MarkedProcesses {
 public:
  MarkedProcesses() : value_(boot_id() + "-" + std::to_string(::getpid()) + "-" + std::to_string(next()++)) {}
  ~MarkedProcesses() { end(); }
  MarkedProcesses(const MarkedProcesses&) = delete;
  MarkedProcesses& operator=(const MarkedProcesses&) = delete;

  /// Not DOCKTOR_...: those docktor keeps from its workers, and the mark must reach them.
  static std::string name() { return "TEST_MARK_OF_DOCKTOR"; }
  const std::string& value() const { return value_; }

  /// Kills them all, and returns when they have ended.
  void end() const {
    eventually([this] {
      const auto left = alive();
      for (const auto& s : left) send_signal(open_process(s.identity), SIGKILL);
      return left.empty();
    });
  }

  std::vector<ProcessStat> alive() const {
    std::vector<ProcessStat> found;
    for (const pid_t pid : list_processes()) {
      if (pid == ::getpid() || process_environment(pid, name()) != value_) continue;
      const auto stat = read_process_stat(pid);
      if (stat && !stat->dead()) found.push_back(*stat);
    }
    return found;
  }

 private:
  static int& next() {
    static int n = 0;
    return n;
  }
  std::string value_;
};

}  // namespace docktor::test
