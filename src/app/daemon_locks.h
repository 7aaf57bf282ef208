// The locks of what a daemon's services scale: two daemons of one host never scale one thing.
#pragma once

#include <spdlog/logger.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "app/wiring.h"
#include "control/lock.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// Used by one thread, but for claim().
class DaemonLocks {
 public:
  /// By the lock's file.
  using Held = std::map<std::string, std::shared_ptr<FileLock>>;

  /// `folder`, or `spare` where that cannot be written; `config` is the path for the note of who holds it.
  DaemonLocks(std::string folder, std::string spare, std::string config)
      : folder_(std::move(folder)), spare_(std::move(spare)), config_(std::move(config)) {}

  /// The lock of what a service scales, which one of ours may hold already. From any thread.
  Result<std::pair<const std::string, std::shared_ptr<FileLock>>> claim(const std::string& service,
                                                                        const std::string& what);

  /// Of all services. `ask` also asks the engines which projects the services are in; without it targets claim
  /// that by themselves as soon as they know it.
  Result<Held> of(const Config& config, Wiring& wiring, bool ask);

  /// From now on these are held, and those that were before are not.
  void hold(Held locks) { held_ = std::move(locks); }

  /// Looks whether the locks still stand, some at each call, and sets again those that do not. False when
  /// another docktor has one now.
  [[nodiscard]] bool look_after(spdlog::logger& log);

  /// The same for a single one, called `what` in the log.
  [[nodiscard]] static bool keep(FileLock& lock, const char* what, spdlog::logger& log);

 private:
  const std::string folder_, spare_, config_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<FileLock>> claims_;  // what targets hold, too
  Held held_;
  std::string looked_at_;  // of held_, last
};

}  // namespace docktor
