#include "app/daemon_setup.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace docktor {

std::shared_ptr<spdlog::logger> make_logger(const std::shared_ptr<LogFile>& file, bool foreground) {
  std::vector<spdlog::sink_ptr> sinks{file};
  if (foreground) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto log = std::make_shared<spdlog::logger>("docktor", sinks.begin(), sinks.end());
  log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  log->flush_on(spdlog::level::info);
  log->set_error_handler([](const std::string&) {});  // a full disk costs log lines, nothing else
  return log;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string too_few_descriptors(const Config& config) {
  constexpr std::uint64_t kOurs = 256;  // log, journal, sockets, connections
  std::uint64_t needed = kOurs;
  for (const auto& s : config.services)
    needed += 1 + static_cast<std::uint64_t>(std::max(s.limits.min_replicas, 1));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return {};
  return fmt::format(
      "{} services need some {} open files, and {} are allowed: raise the hard limit (LimitNOFILE= of the "
      "unit, "
      "ulimit -Hn, or --ulimit nofile of the container) and start again",
      config.services.size(), needed, limit.rlim_cur);
}

Result<std::vector<FileLock>> lock_instance(const Instance& i) {
  std::vector<FileLock> locks;
  const nlohmann::json note = {{"pid", ::getpid()}, {"config", i.config}};
  for (const auto& file : {i.state_dir + "/lock", i.lock_file()}) {
    auto lock = FileLock::take(file, note);
    if (lock) {
      locks.push_back(std::move(*lock));
    } else if (lock.error().code == ErrorCode::kConflict) {
      return fail(ErrorCode::kConflict,
                  fmt::format("a daemon already runs for {} ({}); `docktor daemon status` shows it, "
                              "`docktor daemon stop` ends it",
                              i.config, lock.error().message));
    } else if (file == i.lock_file()) {
      return tl::unexpected(lock.error());
    }
  }
  return locks;
}

}  // namespace docktor
