// The one thread that looks after all process replicas of a daemon: waits for pidfds, deadlines and orders.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "os/bell.h"
#include "os/fd.h"
#include "os/file_writer.h"
#include "targets/process/process_notify.h"
#include "targets/process/process_record.h"
#include "targets/process/process_scan.h"

namespace docktor {

/// Throws std::runtime_error when there is no descriptor left for it.
/// Owns a thread, and one more that writes records (a slow disk must not delay a restart). Must outlive its
/// targets.
///
/// post() and run() may be called from any thread, all else from the supervisor's only. Handlers must not
/// block.
class ProcessSupervisor {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  ProcessSupervisor();
  ~ProcessSupervisor();
  ProcessSupervisor(const ProcessSupervisor&) = delete;
  ProcessSupervisor& operator=(const ProcessSupervisor&) = delete;

  /// Runs `task` in the thread, soon.
  void post(std::function<void()> task);
  /// Runs `task` in the thread and returns when it has run. Never from the thread itself.
  void run(const std::function<void()>& task);

  /// Calls `handler` whenever `fd` is readable (now and then for nothing), until forget(fd). False: the
  /// kernel has no room.
  bool watch(int fd, std::function<void()> handler);
  void forget(int fd);

  /// Calls `handler` once at `when`; a timer of the same `owner` is replaced.
  void wake(const void* owner, TimePoint when, std::function<void()> handler);
  void no_wake(const void* owner);

  /// Waits for a child that nobody looks after any more, so that it leaves no zombie, until it is taken back.
  void reap_later(Fd pidfd, const ProcessIdentity& identity);
  /// The pidfd given to reap_later, or nothing.
  Fd take_back(const ProcessIdentity& identity);

  /// Whose replicas have ended: `ended` is asked which, `found` gets what is left of each, in that order.
  struct Looker {
    std::function<std::vector<EndedReplica>()> ended;
    std::function<void(std::span<const std::vector<ProcessIdentity>>)> found;
  };
  /// Soon, once for all pools that want it by then, and not without pause: a pass over /proc costs milliseconds. A second
  /// wish of the same owner is the first one's.
  void look_for_left(const void* owner, Looker looker);
  void no_look(const void* owner) { lookers_.erase(owner); }

  FileWriter& records() { return records_; }
  /// What stands for this state folder, read or made once; see folder_identity().
  const std::string& identity_of(const std::string& folder, Result<void>& kept);
  PoolScan& scan() { return scan_; }
  /// Where replicas of pools with this state folder tell of themselves; made once.
  NotifySocket& notify(const std::string& folder);

 private:
  void loop();
  void run_tasks();
  void run_timers();
  void look();
  int timeout_ms() const;

  FileWriter records_{kRecordMode};
  PoolScan scan_;
  Fd epoll_;
  const Bell bell_{"cannot supervise processes"};  // rings when a task was posted
  std::mutex mutex_;                               // guards tasks_ only
  std::vector<std::function<void()>> tasks_;
  bool stop_ = false;  // of the thread
  std::unordered_map<int, std::shared_ptr<std::function<void()>>> watches_;
  using Timers = std::multimap<TimePoint, std::pair<const void*, std::function<void()>>>;
  Timers timers_;
  std::unordered_map<const void*, Timers::iterator> timer_of_;
  std::map<std::string, std::pair<std::string, Result<void>>> identities_;  // of folders
  std::map<std::string, NotifySocket> notify_;                              // of folders
  std::map<const void*, Looker> lookers_;
  TimePoint next_look_{};                                    // not before
  std::map<pid_t, std::pair<Fd, ProcessIdentity>> orphans_;  // children of targets that are gone
  std::thread thread_;
};

}  // namespace docktor
