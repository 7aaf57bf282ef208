#include "os/event_loop.h"

namespace docktor {

EventLoop::EventLoop(Task last) : last_(std::move(last)), thread_([this] { run(); }) {}

EventLoop::~EventLoop() { stop(); }

EventLoop::Timer EventLoop::at(SteadyTime at, Task task) {
  const Timer timer{at, next_timer_++};
  timers_.emplace(timer, std::move(task));
  return timer;
}

void EventLoop::stop() {
  inbox_->close();
  if (!thread_.joinable() || on_loop()) return;
  thread_.join();
  timers_.clear();
}

void EventLoop::run() {
  while (true) {
    auto tasks = inbox_->take(timers_.empty() ? SteadyTime::max() : timers_.begin()->first.first);
    if (inbox_->closed()) break;
    for (auto& task : tasks) {
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
