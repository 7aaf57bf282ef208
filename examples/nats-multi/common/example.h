// What the example's producer and consumer share: environment variables, log lines, signals, and a connection
// to NATS that waits for its server and comes back for ever. Nothing but nats.c and the C++ library.
#pragma once

#include <fcntl.h>
#include <nats/nats.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace example {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Unix time: what a producer and its workers on other hosts can compare.
inline std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// One line, with the time, written at once: workers of one service may share an output.
[[gnu::format(printf, 1, 2)]] inline void log(const char* format, ...) {
  char line[1024];
  const std::time_t now = std::time(nullptr);
  std::tm tm{};
  localtime_r(&now, &tm);
  std::size_t n = std::strftime(line, sizeof line, "%Y/%m/%d %H:%M:%S ", &tm);
  va_list args;
  va_start(args, format);
  const int more = std::vsnprintf(line + n, sizeof line - n - 1, format, args);
  va_end(args);
  n = std::min(n + static_cast<std::size_t>(std::max(more, 0)), sizeof line - 2);
  line[n++] = '\n';
  if (::write(STDOUT_FILENO, line, n) < 0) return;  // nobody reads: nothing to be done about it
}

inline std::string env(const char* name, const char* fallback) {
  const char* value = std::getenv(name);
  return value && *value ? value : fallback;
}

/// A number from the environment; anything else, or one out of its range, ends the program with the reason.
inline double env_number(const char* name, double fallback, double least, double most) {
  const char* text = std::getenv(name);
  if (!text || !*text) return fallback;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (*end == '\0' && value >= least && value <= most) return value;
  std::fprintf(stderr, "%s=%s: must be a number from %g to %g\n", name, text, least, most);
  std::exit(2);
}

/// Without user and password.
inline std::string shown(const std::string& url) {
  const auto scheme = url.find("://");
  const auto at = url.rfind('@');
  if (at == std::string::npos || scheme == std::string::npos || at < scheme) return url;
  return url.substr(0, scheme + 3) + "***" + url.substr(at);
}

/// SIGTERM and SIGINT as a flag that can be waited for. Make it first: threads inherit the blocked signals.
class StopSignal {
 public:
  explicit StopSignal(std::function<void()> on_stop = {}) : on_stop_(std::move(on_stop)) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    std::thread([this, set] {
      int number = 0;
      while (sigwait(&set, &number) != 0) {
      }
      {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
      }
      changed_.notify_all();
      if (on_stop_) on_stop_();
    }).detach();
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool stopped() const { return stopped_; }

  /// Sleeps; true, at once, when it is time to stop.
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> length) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, length, [this] { return stopped_.load(); });
  }

 private:
  std::function<void()> on_stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopped_ = false;
};

/// Waits for the server for as long as it takes. nullptr when stopped meanwhile. `on_reconnect` may be null.
inline natsConnection* connect(const std::string& url, const char* name, StopSignal& stop,
                               natsConnectionHandler on_reconnect, void* closure) {
  natsOptions* options = nullptr;
  natsOptions_Create(&options);
  natsStatus s = natsOptions_SetURL(options, url.c_str());
  natsOptions_SetName(options, name);
  natsOptions_SetMaxReconnect(options, -1);
  natsOptions_SetReconnectWait(options, 250);
  natsOptions_SetReconnectJitter(options, 100, 100);
  natsOptions_SetPingInterval(options, 10'000);
  natsOptions_SetSendAsap(options, true);  // else the client gathers writes for a millisecond
  natsOptions_SetDisconnectedCB(
      options,
      [](natsConnection* c, void*) {
        if (!natsConnection_IsClosed(c)) log("⚠️  Lost the connection to NATS, reconnecting");
      },
      nullptr);
  if (on_reconnect) natsOptions_SetReconnectedCB(options, on_reconnect, closure);
  if (s != NATS_OK) {
    std::fprintf(stderr, "NATS_URL=%s: %s; it reads like nats://localhost:4222\n", shown(url).c_str(),
                 natsStatus_GetText(s));
    std::exit(2);
  }
  natsConnection* connection = nullptr;
  milliseconds wait(50);
  auto complain_at = Clock::now();
  while (!stop.stopped()) {
    s = natsConnection_Connect(&connection, options);
    if (s == NATS_OK) break;
    if (Clock::now() >= complain_at) {
      log("⏳ Waiting for NATS at %s: %s", shown(url).c_str(), natsStatus_GetText(s));
      complain_at = Clock::now() + std::chrono::seconds(10);
    }
    if (stop.wait_for(wait)) break;
    wait = std::min(wait * 2, milliseconds(1000));
  }
  natsOptions_Destroy(options);
  if (connection) log("✅ Connected to NATS at %s", shown(url).c_str());
  return connection;
}

/// Appends whole lines to a file that several processes may share; without a path it does nothing.
class Record {
 public:
  explicit Record(const std::string& path) {
    if (path.empty()) return;
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file_ >= 0) return;
    std::fprintf(stderr, "RECORD_FILE=%s: %s\n", path.c_str(), std::strerror(errno));
    std::exit(2);
  }
  [[gnu::format(printf, 2, 3)]] void line(const char* format, ...) {
    if (file_ < 0) return;
    char text[256];
    va_list args;
    va_start(args, format);
    const int n = std::vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (::write(file_, text, static_cast<std::size_t>(n)) != n)
      log("⚠️  RECORD_FILE: %s", std::strerror(errno));
  }

 private:
  int file_ = -1;
};

// The two headers by which every message can be followed.
inline constexpr const char* kIdHeader = "Nats-Msg-Id";  // <run>-<sequence>; the server drops repeated ones
inline constexpr const char* kIntendedHeader =
    "Intended-Time-Ns";  // Unix time at which it was due to be published

}  // namespace example
