// CPU and memory of replicas that are processes of this host, from /proc, over each replica's whole process
// group.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/source.h"
#include "os/proc.h"

namespace docktor {

/// What one process group used since the look before, in clock ticks. Pure; not thread-safe.
///
/// A process that ended between two looks is not lost where its parent, in the same group, waited for it: its
/// time is then in the parent's. The sum never goes back: each process counts by its own growth.
class GroupMeter {
 public:
  /// `processes` are those of the group now. Nothing at the first look, and whenever the group's leader is
  /// another process than before (its number was used again).
  std::optional<std::uint64_t> used_since(pid_t group, const std::vector<ProcessStat>& processes);

 private:
  std::optional<ProcessIdentity> leader_;
  std::unordered_map<pid_t, ProcessStat> before_;
};

/// Which processes belong to which group. A look costs one listing of /proc; a process outside the groups
/// asked for is read once, and again now and then (it may have joined one). Not thread-safe.
class ProcessTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// The living processes of each of `groups`. A listing serves all questions of the next kListingGoodFor.
  std::vector<std::vector<ProcessStat>> members(const std::vector<pid_t>& groups, TimePoint now);

  static constexpr auto kListingGoodFor = std::chrono::milliseconds(20);
  static constexpr auto kReadAllAfter = std::chrono::seconds(30);

 private:
  struct Known {
    std::uint64_t inode = 0;  // of /proc/PID: another one when the number was used again
    pid_t group = 0;
    bool seen = false;
  };
  void list(TimePoint now);

  std::unordered_map<pid_t, Known> known_;
  std::unordered_map<pid_t, std::vector<pid_t>> by_group_;
  std::optional<TimePoint> listed_;
  std::optional<TimePoint> read_all_;
};

/// One thread and one table for all services of a daemon. Thread-safe. Must outlive the sources that use it;
/// the destructor answers what waits.
class ProcReader {
 public:
  ProcReader();
  ~ProcReader();
  ProcReader(const ProcReader&) = delete;
  ProcReader& operator=(const ProcReader&) = delete;

  /// Runs `job` in the thread, in order; with false where the reader is ending.
  void post(std::function<void(ProcessTable&, bool)> job);

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void(ProcessTable&, bool)>> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

/// Reads the ready replicas that have a pid: `cpu` in percent of one core since the read before, as Docker
/// shows it, with a resolution of one clock tick (10 ms); `mem` is the resident memory of the group's
/// processes added up, so pages that they share count for each. A replica's first sample, and one that came
/// too soon after the last (50 ms), has no usage to tell. A process that left the group (setsid) is not
/// counted. There are no limits to compare with. Never fails but by timeout.
class ProcUsageSource final : public Source {
 public:
  explicit ProcUsageSource(ProcReader& reader);

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  struct State;
  ProcReader& reader_;
  std::shared_ptr<State> state_;
};

}  // namespace docktor
