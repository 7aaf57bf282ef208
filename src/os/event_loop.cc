#include "os/event_loop.h"

namespace docktor {

EventLoop::EventLoop(Task last) : last_(std::move(last)), thread_([this] { run(); }) {}

EventLoop::~EventLoop() { stop(); }

bool EventLoop::Port::post(Task task) {
  bool first;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return false;
    first = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (first) wake_.notify_one();
  return true;
}

EventLoop::Timer EventLoop::at(SteadyTime at, Task task) {
  const Timer timer{at, next_timer_++};
  timers_.emplace(timer, std::move(task));
  return timer;
}

void EventLoop::stop() {
  {
    const std::lock_guard lock(port_->mutex_);
    port_->stopped_ = true;
  }
  port_->wake_.notify_one();
  if (!thread_.joinable() || on_loop()) return;
  thread_.join();
  std::deque<Task> left;
  {
    const std::lock_guard lock(port_->mutex_);
    left.swap(port_->tasks_);
  }
  timers_.clear();
}

void EventLoop::run() {
  Port& port = *port_;
  std::deque<Task> batch;
  while (true) {
    batch.clear();
    {
      std::unique_lock lock(port.mutex_);
      const auto ready = [&] { return port.stopped_ || !port.tasks_.empty(); };
      if (timers_.empty())
        port.wake_.wait(lock, ready);
      else
        port.wake_.wait_until(lock, timers_.begin()->first.first, ready);
      if (port.stopped_) break;
      batch.swap(port.tasks_);
    }
    for (auto& task : batch) {
      task();
      task = nullptr;
    }
    // Timers that are due now; one that a timer adds waits for the next round, so that tasks are never
    // starved.
    const auto now = std::chrono::steady_clock::now();
    for (auto n = timers_.size(); n > 0 && !timers_.empty() && timers_.begin()->first.first <= now; --n) {
      auto node = timers_.extract(timers_.begin());
      node.mapped()();
    }
  }
  if (last_) last_();
}

}  // namespace docktor
