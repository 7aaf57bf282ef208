#include "app/daemon_locks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "control/paths.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

constexpr std::size_t kLocksPerLook = 200;

}  // namespace

Result<std::pair<const std::string, std::shared_ptr<FileLock>>> DaemonLocks::claim(const std::string& service,
                                                                                   const std::string& what) {
  using One = std::pair<const std::string, std::shared_ptr<FileLock>>;
  const std::string file = short_hash(what) + short_hash(what + "#") + ".lock";
  const std::lock_guard guard(mutex_);
  if (auto held = claims_[file].lock()) return One(file, held);
  const nlohmann::json note = {
      {"pid", ::getpid()}, {"service_config", config_}, {"config", config_}, {"scales", what}};
  auto lock = FileLock::take(folder_ + "/" + file, note);
  if (!lock && lock.error().code == ErrorCode::kDenied && make_folder(spare_))
    lock = FileLock::take(spare_ + "/" + file, note);
  if (lock) {
    auto held = std::make_shared<FileLock>(std::move(*lock));
    claims_[file] = held;
    return One(file, held);
  }
  if (lock.error().code != ErrorCode::kConflict) return tl::unexpected(lock.error());
  return fail(
      ErrorCode::kConflict,
      fmt::format("service '{}' is already scaled by another docktor, {}; stop that one first, or take the "
                  "service out of one of the two configurations",
                  service, lock.error().message),
      true);
}

Result<DaemonLocks::Held> DaemonLocks::of(const Config& config, Wiring& wiring, bool ask) {
  Held locks;
  for (const auto& spec : config.services) {
    const auto every = ask ? wiring.scaled_identities(config, spec)
                           : std::vector<std::string>{wiring.scaled_identity(config, spec)};
    for (const auto& what : every) {
      auto lock = claim(spec.name, what);
      if (!lock) return tl::unexpected(lock.error());
      locks.insert(std::move(*lock));
    }
  }
  return locks;
}

bool DaemonLocks::look_after(spdlog::logger& log) {
  bool ours = true;
  auto it = held_.upper_bound(looked_at_);
  for (std::size_t n = 0; n < std::min(kLocksPerLook, held_.size()); ++n) {
    if (it == held_.end()) it = held_.begin();
    looked_at_ = it->first;
    ours = keep(*it->second, "a service of this configuration", log) && ours;
    ++it;
  }
  return ours;
}

bool DaemonLocks::keep(FileLock& lock, const char* what, spdlog::logger& log) {
  if (!lock.lost()) return true;
  const auto kept = lock.renew();
  if (kept) {
    log.warn("⚠ the lock of {} was removed; it is set again", what);
  } else if (kept.error().code == ErrorCode::kConflict && !kept.error().retry) {
    log.error("⚠ the lock of {} was removed, and another docktor has it now ({}): this one ends", what,
              kept.error().message);
    return false;
  }
  return true;
}

}  // namespace docktor
