#include "app/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "core/json_text.h"
#include "os/fd.h"

namespace docktor {
namespace {

// NOLINTBEGIN(concurrency-mt-unsafe): before any thread starts
std::string taken_from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value ? value : "";
  ::unsetenv(name);
  return text;
}
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace

ServiceManager::ServiceManager() : address_(taken_from_environment("NOTIFY_SOCKET")) {
  const auto pid = taken_from_environment("WATCHDOG_PID");
  watched_ =
      !taken_from_environment("WATCHDOG_USEC").empty() && (pid.empty() || pid == std::to_string(::getpid()));
}

void ServiceManager::ready() { tell("READY=1"); }

void ServiceManager::reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // systemd compares it with its own
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void ServiceManager::stopping() { tell("STOPPING=1"); }

void ServiceManager::status(std::string_view text) { tell("STATUS=" + plain_text(text)); }

void ServiceManager::alive() {
  if (watched_) tell("WATCHDOG=1");
}

void ServiceManager::tell(const std::string& state) const {
  sockaddr_un to{};
  if (address_.empty() || address_.size() >= sizeof to.sun_path) return;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  if (address_.front() == '@')
    to.sun_path[0] = '\0';
  else
    ++length;  // its end
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return;
  (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to), length);
}

}  // namespace docktor
