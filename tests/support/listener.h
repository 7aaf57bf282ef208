// A socket that listens on 127.0.0.1, for servers of the tests' own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>

namespace docktor::test {

inline int port_of(int listener) {
  sockaddr_in a{};
  socklen_t size = sizeof a;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&a), &size) != 0)
    throw std::runtime_error("no port for a server of the test's");
  return ntohs(a.sin_port);
}

/// Whoever calls it closes it. `port` 0: any that is free.
inline int listen_on_loopback(int port = 0) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(fd, 256) != 0)
    throw std::runtime_error("no port for a server of the test's");
  return fd;
}

}  // namespace docktor::test
