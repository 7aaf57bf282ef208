#include "queues/nats/server_version.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/json_text.h"

namespace docktor {
namespace {

constexpr std::size_t kMaxGreeting = 64 * 1024;

struct Socket {
  int fd;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::string version_in_greeting(const std::string& line) {
  if (!line.starts_with("INFO ")) return {};
  const auto info = parse_json(line.substr(5));
  if (!info.is_object() || !info.contains("version") || !info["version"].is_string()) return {};
  return info["version"].get<std::string>();
}

std::string server_version(const std::string& address, Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const auto left_ms = [&] {
    const auto left = deadline - std::chrono::steady_clock::now();
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
  };
  auto host = address.substr(address.find("://") == std::string::npos ? 0 : address.find("://") + 3);
  if (const auto at = host.rfind('@'); at != std::string::npos) host.erase(0, at + 1);
  const auto colon = host.rfind(':');
  if (colon == std::string::npos) return {};
  const std::string port = host.substr(colon + 1);
  host.erase(colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, &::freeaddrinfo);
  const Socket socket{::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) return {};
  if (::connect(socket.fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) return {};

  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kMaxGreeting) {
    pollfd p{socket.fd, POLLIN, 0};
    if (::poll(&p, 1, left_ms()) <= 0) return {};
    char buffer[4096];
    const auto n = ::read(socket.fd, buffer, sizeof buffer);
    if (n <= 0) return {};
    line.append(buffer, static_cast<std::size_t>(n));
  }
  return version_in_greeting(line);
}

}  // namespace docktor
