// Lets callbacks of one thread through to an object's owner until the owner closes it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace docktor {

/// close() returns when no callback is inside and none will enter any more; called from within a callback it
/// does not wait for that one. One callback at a time (all come from one thread). Thread-safe.
class Gate {
 public:
  /// Runs `f` unless closed. No lock is held meanwhile.
  template <class F>
  void pass(F&& f) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      inside_ = std::this_thread::get_id();
    }
    f();
    {
      const std::lock_guard lock(mutex_);
      inside_ = {};
    }
    left_.notify_all();
  }

  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    left_.wait(lock, [&] { return inside_ == std::thread::id{} || inside_ == std::this_thread::get_id(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  bool closed_ = false;
  std::thread::id inside_;
};

}  // namespace docktor
