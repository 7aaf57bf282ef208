#include "http/listening.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace docktor::http {
namespace {

constexpr int kBacklog = 64;
constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

Error refused(const std::string& at, int error) {
  const auto code = error == EADDRINUSE                         ? ErrorCode::kConflict
                    : error == EACCES || error == EADDRNOTAVAIL ? ErrorCode::kDenied
                                                                : ErrorCode::kInternal;
  const char* what = error == EADDRINUSE      ? "; somebody listens there already"
                     : error == EADDRNOTAVAIL ? "; this host has no such address"
                                              : "";
  return {code, fmt::format("{}: cannot listen: {}{}", at, std::strerror(error), what), false};
}

Result<ListeningSocket> at_path(const std::string& path) {
  const auto slash = path.rfind('/');
  const Fd folder(::open(path.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return tl::unexpected(refused(path, errno));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Such an address has 107 bytes, a user's folder may have more: go through the open folder.
  const std::string through = fmt::format("/proc/self/fd/{}/{}", folder.get(), path.substr(slash + 1));
  if (through.size() >= sizeof address.sun_path) return tl::unexpected(refused(path, ENAMETOOLONG));
  std::strncpy(address.sun_path, through.c_str(), sizeof address.sun_path - 1);
  ListeningSocket s{.fd = Fd(::socket(AF_UNIX, kKind, 0)), .shown = path, .path = path};
  if (!s.fd) return tl::unexpected(refused(path, errno));
  ::unlink(path.c_str());
  ::fchmod(s.fd.get(), 0600);  // what bind makes has at most this mode
  if (::bind(s.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0660) != 0 || ::listen(s.fd.get(), kBacklog) != 0)
    return tl::unexpected(refused(path, errno));
  return s;
}

template <class Address>
Result<ListeningSocket> on_network(const std::string& at, Address address, bool loopback) {
  ListeningSocket s{.fd = Fd(::socket(reinterpret_cast<sockaddr*>(&address)->sa_family, kKind, 0)),
                    .shown = at};
  const int on = 1;
  s.loopback = loopback;
  socklen_t size = sizeof address;
  if (!s.fd || ::setsockopt(s.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(s.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(s.fd.get(), kBacklog) != 0 ||
      ::getsockname(s.fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return tl::unexpected(refused(at, errno));
  if constexpr (std::is_same_v<Address, sockaddr_in>)
    s.port = ntohs(address.sin_port);
  else
    s.port = ntohs(address.sin6_port);
  return s;
}

}  // namespace

Result<ListeningSocket> listening_socket(const std::string& at) {
  if (at.starts_with('/')) return at_path(at);
  const auto colon = at.rfind(':');
  if (colon == std::string::npos) return tl::unexpected(refused(at, EINVAL));
  const auto port = htons(static_cast<std::uint16_t>(std::atoi(at.c_str() + colon + 1)));
  std::string host = at.substr(0, colon);
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = port;
    return on_network(at, v4, (ntohl(v4.sin_addr.s_addr) >> 24) == 127);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return tl::unexpected(refused(at, EINVAL));
  v6.sin6_family = AF_INET6;
  v6.sin6_port = port;
  return on_network(at, v6, IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0);
}

}  // namespace docktor::http
