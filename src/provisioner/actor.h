// Makes the number of instances what is wanted: calls the caller's start and stop, one at a time, on a thread
// of its own, so that the loop goes on while a call takes its time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/sample.h"
#include "docktor/provisioner.h"

namespace docktor {

/// Thread-safe. A call that fails is tried again with a pause that doubles from kFirstPause to kLastPause.
class Actor {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLastPause{10'000};

  struct Report {
    enum class Kind { kStarted, kStopped, kFailed, kFinished } kind = Kind::kFinished;
    InstanceId instance;
    std::string text;  ///< kFailed: what failed, and why
    std::chrono::nanoseconds took{};
  };

  /// `report` is called from the actor's thread.
  Actor(Provisioner& provisioner, std::function<void(Report)> report);
  ~Actor();  ///< as finish(), and waits
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  void want(int instances);

  /// Asked for (what is being started counts, what is being stopped does not), able to work, and failing to
  /// start.
  ReplicaCounts counts() const;
  int running() const;  ///< started and not stopped

  /// A call that began before `since` and still runs: its stop is requested, and (once for each call) what
  /// hangs is told.
  std::optional<std::string> hanging(std::chrono::steady_clock::time_point since);

  /// None are wanted any more; each that runs is stopped, once. kFinished is reported when that is done.
  void finish();

 private:
  void run();
  void start(std::unique_lock<std::mutex>& lock);
  void stop(std::unique_lock<std::mutex>& lock);
  void failed(const std::string& what, const Error& error);

  Provisioner& provisioner_;
  const std::function<void(Report)> report_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  int wanted_ = 0;
  bool finishing_ = false;
  std::vector<InstanceId> instances_;  // oldest first
  int failures_ = 0;                   // in a row
  bool start_fails_ = false;
  std::chrono::steady_clock::time_point not_before_{};
  std::string call_;  // what runs now; empty: nothing
  bool hang_told_ = false;
  std::chrono::steady_clock::time_point call_began_{};
  std::stop_source call_stop_;
  std::thread thread_;  // last: it uses what stands above
};

}  // namespace docktor
