// One thread that owns state: functions are posted to it from anywhere and run in order, or at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "os/inbox.h"

namespace docktor {

/// Thread-safe. After stop() nothing runs any more; what was posted and did not run is destroyed.
class EventLoop {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Task = std::function<void()>;

  /// `last` is the last thing that the loop's thread does (a library's per-thread clean-up).
  explicit EventLoop(Task last = {});
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Tasks run in the order in which they were posted. False, and the task is dropped, after stop().
  bool post(Task task) { return inbox_->push(std::move(task)); }
  /// Where they are posted to. Outlives the loop where somebody (a callback of a library) still holds it.
  const std::shared_ptr<Inbox>& inbox() const { return inbox_; }

  /// Runs `task` once, at `at` or soon after. Returns a handle for cancel(). Loop thread only.
  using Timer = std::pair<SteadyTime, std::uint64_t>;
  Timer at(SteadyTime at, Task task);
  void cancel(const Timer& timer) { timers_.erase(timer); }

  /// Ends the thread after the task that runs now. Called from the loop itself it only asks for the end.
  void stop();

  bool on_loop() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void run();

  const Task last_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::map<Timer, Task> timers_;  // loop thread only
  std::uint64_t next_timer_ = 0;
  std::thread thread_;  // last: it uses what stands above
};

}  // namespace docktor
