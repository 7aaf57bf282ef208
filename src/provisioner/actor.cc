#include "provisioner/actor.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/pause.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;

// Nothing that the caller's code throws goes further than this.
template <class F>
auto contained(const char* what, F&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& e) {
    return Error{ErrorCode::kInternal, fmt::format("{} threw: {}", what, e.what()), true};
  } catch (...) {
    return Error{ErrorCode::kInternal, fmt::format("{} threw something that is no std::exception", what),
                 true};
  }
}

}  // namespace

Actor::Actor(Provisioner& provisioner, std::function<void(Report)> report)
    : provisioner_(provisioner), report_(std::move(report)), thread_([this] { run(); }) {}

Actor::~Actor() {
  finish();
  thread_.join();
}

void Actor::want(int instances) {
  const std::lock_guard lock(mutex_);
  wanted_ = std::max(0, instances);
  wake_.notify_all();
}

ReplicaCounts Actor::counts() const {
  const std::lock_guard lock(mutex_);
  const int ready = std::min(wanted_, static_cast<int>(instances_.size()));
  return {wanted_, ready, start_fails_ ? wanted_ - ready : 0};
}

int Actor::running() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(instances_.size());
}

std::optional<std::string> Actor::hanging(steady_clock::time_point since) {
  std::optional<std::string> told;
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    if (call_.empty() || call_began_ > since || std::exchange(hang_told_, true)) return told;
    told = fmt::format("{} has not returned for {:.1f} s; it is asked to stop", call_,
                       std::chrono::duration<double>(steady_clock::now() - call_began_).count());
    stop = call_stop_;
  }
  stop.request_stop();  // runs the caller's stop callbacks: without the lock
  return told;
}

void Actor::finish() {
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
    wanted_ = 0;
    if (call_ == "start_instance()") stop = call_stop_;
    wake_.notify_all();
  }
  if (stop.stop_possible()) stop.request_stop();
}

void Actor::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const int n = static_cast<int>(instances_.size());
    if (finishing_ && n == 0) break;
    if (!finishing_ && n == wanted_) {
      failures_ = 0;
      start_fails_ = false;
      wake_.wait(lock);
    } else if (!finishing_ && steady_clock::now() < not_before_) {
      wake_.wait_until(lock, not_before_);
    } else if (n < wanted_) {
      start(lock);
    } else {
      stop(lock);
    }
  }
  lock.unlock();
  report_({Report::Kind::kFinished, {}, {}, {}});
}

void Actor::failed(const std::string& what, const Error& error) {
  const auto pause = pause_after(++failures_, kFirstPause, kLastPause);
  not_before_ = steady_clock::now() + pause;
  report_({Report::Kind::kFailed, {}, fmt::format("{} failed: {}", what, error.message), {}});
}

void Actor::start(std::unique_lock<std::mutex>& lock) {
  call_ = "start_instance()";
  hang_told_ = false;
  call_began_ = steady_clock::now();
  call_stop_ = {};
  const auto token = call_stop_.get_token();
  lock.unlock();
  const auto id = contained("start_instance()", [&] { return provisioner_.start_instance(token); });
  lock.lock();
  call_.clear();
  if (!id) {
    start_fails_ = true;
    // The end of the subscription interrupted it: that is no failure.
    if (!finishing_) failed("start_instance()", id.error());
    return;
  }
  start_fails_ = false;
  failures_ = 0;
  instances_.push_back(*id);
  report_({Report::Kind::kStarted, *id, {}, steady_clock::now() - call_began_});
}

void Actor::stop(std::unique_lock<std::mutex>& lock) {
  const InstanceId id = instances_.back();
  call_ = fmt::format("stop_instance({})", id);
  hang_told_ = false;
  call_began_ = steady_clock::now();
  call_stop_ = {};
  const auto token = call_stop_.get_token();
  const std::string what = call_;
  lock.unlock();
  const auto done = contained("stop_instance()", [&] { return provisioner_.stop_instance(token, id); });
  lock.lock();
  call_.clear();
  const bool gone = done || done.error().code == ErrorCode::kNotFound;
  if (!gone) failed(what, done.error());
  if (!gone && !finishing_) return;
  std::erase(instances_, id);
  if (!gone) return;
  failures_ = 0;
  report_({Report::Kind::kStopped, id, {}, steady_clock::now() - call_began_});
}

}  // namespace docktor
