#include "queues/nats/server_version.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "core/json_text.h"
#include "core/result.h"

namespace docktor {
namespace {

constexpr std::size_t kMaxGreeting = 64 * 1024;

struct Socket {
  explicit Socket(int f) : fd(f) {}
  Socket(Socket&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

using Deadline = std::chrono::steady_clock::time_point;

int left_ms(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return static_cast<int>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
}

// A connection to "nats://user:password@host:4222"; an error's message is why there is none, in small
// letters.
Result<Socket> connect_to(const std::string& address, Deadline deadline) {
  const auto no = [](std::string why) { return fail(ErrorCode::kUnavailable, std::move(why)); };
  const auto scheme = address.find("://");
  auto host = address.substr(scheme == std::string::npos ? 0 : scheme + 3);
  if (const auto at = host.rfind('@'); at != std::string::npos) host.erase(0, at + 1);
  std::string port = "4222";
  const auto colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.erase(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
    return no(error == EAI_AGAIN ? "no name server answers" : "there is no such host");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, &::freeaddrinfo);
  std::string why;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    Socket socket(::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int error = socket.fd < 0 || ::connect(socket.fd, a->ai_addr, a->ai_addrlen) != 0 ? errno : 0;
    if (error == EINPROGRESS) {
      pollfd p{socket.fd, POLLOUT, 0};
      socklen_t size = sizeof error;
      if (::poll(&p, 1, left_ms(deadline)) <= 0)
        error = ETIMEDOUT;
      else
        ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return socket;
    // Of several addresses (::1, 127.0.0.1) the one where something listened, or did not answer, tells more.
    if (why.empty() || error != ECONNREFUSED)
      why = error == ETIMEDOUT ? "no answer" : std::generic_category().message(error);
  }
  if (!why.empty() && why[0] >= 'A' && why[0] <= 'Z') why[0] = static_cast<char>(why[0] - 'A' + 'a');
  return no(why);
}

}  // namespace

std::string version_in_greeting(const std::string& line) {
  if (!line.starts_with("INFO ")) return {};
  const auto info = parse_json(line.substr(5));
  if (!info.is_object() || !info.contains("version") || !info["version"].is_string()) return {};
  return info["version"].get<std::string>();
}

std::string server_version(const std::string& address, Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto socket = connect_to(address, deadline);
  if (!socket) return {};
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kMaxGreeting) {
    pollfd p{socket->fd, POLLIN, 0};
    if (::poll(&p, 1, left_ms(deadline)) <= 0) return {};
    char buffer[4096];
    const auto n = ::read(socket->fd, buffer, sizeof buffer);
    if (n <= 0) return {};
    line.append(buffer, static_cast<std::size_t>(n));
  }
  return version_in_greeting(line);
}

std::string why_unreachable(const std::string& address, Duration timeout) {
  const auto socket = connect_to(address, std::chrono::steady_clock::now() + timeout);
  return socket ? std::string() : socket.error().message;
}

}  // namespace docktor
