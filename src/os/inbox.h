// The bounded queue through which everything outside the loop thread reaches it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
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

  /// Ahead of all that push() brought: a person waits for the answer.
  bool push_first(Event event) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_ || first_.size() >= most_) return false;
      first_.push_back(std::move(event));
    }
    ready_.notify_one();
    return true;
  }

  /// Waits at most `timeout` for an event, then hands out at most `most`, in order; the rest waits.
  std::vector<Event> take(std::chrono::nanoseconds timeout, std::size_t most = SIZE_MAX) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [&] { return !events_.empty() || !first_.empty() || closed_; });
    std::vector<Event> out = std::exchange(first_, {});
    while (!events_.empty() && out.size() < most) {
      out.push_back(std::move(events_.front()));
      events_.pop_front();
    }
    return out;
  }

  /// No event is accepted any more; those that wait are dropped.
  void close() {
    std::deque<Event> dropped;
    std::vector<Event> dropped_first;
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
      dropped.swap(events_);
      dropped_first.swap(first_);
    }
    ready_.notify_all();
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Event> events_;
  std::vector<Event> first_;
  bool closed_ = false;
};

}  // namespace docktor
