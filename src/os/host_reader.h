// What this machine has left: memory and cores, of the machine and of the control groups that docktor is in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/host.h"

namespace docktor {

/// The CPUs that this process may run on, by number.
std::vector<bool> allowed_cpus();

/// Reads some ten files of /proc and of version 2 of control groups, each bounded; half a millisecond. What is not
/// there (memory pressure on some kernels, limits outside a group) is left out. Not thread-safe.
class HostReader {
 public:
  /// `root` stands before /proc and /sys/fs/cgroup, for tests.
  explicit HostReader(std::string root = {}, std::vector<bool> cpus = allowed_cpus());

  /// CPU is the mean since the look before; where that was less than half a second ago, the figure of that one. The first
  /// look has none.
  HostFigures look();

 private:
  struct Ticks {
    std::uint64_t all = 0, busy = 0;
  };
  struct Group {
    std::uint64_t used_us = 0;
    bool seen = false;
  };
  void look_at_cpus(HostFigures& figures);
  void look_at_groups(HostFigures& figures);
  std::string group_folder() const;

  const std::string root_;
  const std::vector<bool> cpus_;
  bool first_ = true;
  bool moved_ = false;  // this look has new figures of CPU
  double passed_ = 0;   // seconds since the look that the figures are since
  Ticks whole_, own_;   // at that look
  std::vector<HostFigures::Cpu> last_;
  std::map<std::string, Group> groups_;  // those with a limit of CPU, by folder
};

}  // namespace docktor
