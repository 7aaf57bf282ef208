// One engine with what its users share: the stream of events, and one change at a time per Compose project.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "docker/engine.h"
#include "docker/events.h"

namespace docktor {

/// Thread-safe. Made once per daemon; must outlive all targets and sources that were given it.
class Docker {
 public:
  explicit Docker(DockerLookup lookup) : engine_(std::move(lookup)), events_(engine_) {}
  Docker() : events_(engine_) {}

  DockerEngine& engine() { return engine_; }
  EventFeed& events() { return events_; }

  /// Whether it answered in time when somebody last waited for it: where it did not, nobody who makes many
  /// users of it should wait for each. True at first.
  std::atomic<bool> prompt{true};

  /// Held while containers of the project are made or stopped. Compose itself does not know it.
  std::shared_ptr<std::timed_mutex> project_lock(const std::string& project) {
    const std::lock_guard lock(mutex_);
    auto& slot = locks_[project];
    if (!slot) slot = std::make_shared<std::timed_mutex>();
    return slot;
  }

 private:
  DockerEngine engine_;
  EventFeed events_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<std::timed_mutex>> locks_;
};

}  // namespace docktor
