// The bounded queue through which everything outside the loop thread reaches it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace docktor {

/// Thread-safe. Callbacks of sources, targets and the control socket only push here; the loop thread takes.
class Inbox {
 public:
  using Event = std::function<void()>;

  explicit Inbox(std::size_t most = 65'536) : most_(most) {}

  /// False, and the event is dropped, when the queue is full or closed.
  bool push(Event event) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_ || events_.size() >= most_) return false;
      events_.push_back(std::move(event));
    }
    ready_.notify_one();
    return true;
  }

  /// Waits at most `timeout` for an event, then hands out all there are.
  std::vector<Event> take(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [&] { return !events_.empty() || closed_; });
    return std::exchange(events_, {});
  }

  /// No event is accepted any more; those that wait are dropped.
  void close() {
    std::vector<Event> dropped;
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
      dropped.swap(events_);
    }
    ready_.notify_all();
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Event> events_;
  bool closed_ = false;
};

}  // namespace docktor
