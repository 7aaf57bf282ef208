#include "tests/support/stream_io.h"

#include <poll.h>
#include <sys/socket.h>

namespace docktor::test {

bool send_all(int fd, std::string_view text, const std::stop_token& stop) {
  while (!text.empty() && !stop.stop_requested()) {
    pollfd p{fd, POLLOUT, 0};
    if (::poll(&p, 1, 20) == 0) continue;
    const auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return text.empty();
}

bool receive(int fd, std::string& into, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, 20) == 0) continue;
    char buffer[16384];
    const auto n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    into.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  return false;
}

}  // namespace docktor::test
