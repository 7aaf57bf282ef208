#include "app/daemon_setup.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace docktor {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);  // at folders and locks

sigset_t daemon_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  return set;
}

}  // namespace

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

void block_signals() {
  const auto set = daemon_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is a full disk, not an end
  ::prctl(PR_SET_DUMPABLE, 0);
}

std::jthread heed_signals(SignalCare care) {
  return std::jthread([care = std::move(care)](const std::stop_token& token) {
    const auto set = daemon_signals();
    auto looked = std::chrono::steady_clock::now();
    while (!token.stop_requested()) {
      if (const auto now = std::chrono::steady_clock::now(); now - looked > kLookEvery) {
        looked = now;
        care.each_second();
      }
      const timespec wait{0, 100'000'000};
      const int s = ::sigtimedwait(&set, nullptr, &wait);
      if (s == SIGHUP) care.hang_up();
      if (s == SIGTERM || s == SIGINT) care.stop(s);
    }
  });
}

std::function<void(bool warning, const std::string& line)> log_to(std::shared_ptr<spdlog::logger> log) {
  return [log = std::move(log)](bool warning, const std::string& line) {
    if (warning)
      log->warn("⚠ {}", line);
    else
      log->info("{}", line);
  };
}

}  // namespace docktor
