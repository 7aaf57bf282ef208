#include "queues/redis/redis_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace docktor {

namespace {

using std::chrono::steady_clock;

std::string system_text(int error) { return std::generic_category().message(error); }

Error unreachable(const RedisAddress& a, std::string_view why) {
  return {
      ErrorCode::kUnavailable,
      fmt::format("{} cannot be reached: {}; start redis-server there, or correct queue.url", a.place(), why),
      true};
}

// False at the deadline.
bool wait_for(int fd, short events, steady_clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd p{fd, events, 0};
    const int n = ::poll(&p, 1, static_cast<int>(std::min<long long>(left, 60'000)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return true;  // the call that follows says what is wrong
  }
}

struct Ended {
  int error = 0;
  bool late = false;
};

// Connects a socket that does not block.
Ended connect_to(int fd, const sockaddr* to, socklen_t length, steady_clock::time_point deadline) {
  if (::connect(fd, to, length) == 0) return {};
  if (errno != EINPROGRESS && errno != EAGAIN) return {errno};
  if (!wait_for(fd, POLLOUT, deadline)) return {0, true};
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return {errno};
  return {error};
}

Result<Fd> open_local(const RedisAddress& a, steady_clock::time_point deadline) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (a.path.size() >= sizeof to.sun_path) return tl::unexpected(unreachable(a, "the path is too long"));
  std::memcpy(to.sun_path, a.path.c_str(), a.path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return tl::unexpected(unreachable(a, system_text(errno)));
  const auto end = connect_to(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to, deadline);
  if (end.late || end.error)
    return tl::unexpected(unreachable(a, end.late ? "no answer in time" : system_text(end.error)));
  return fd;
}

Result<Fd> open_tcp(const RedisAddress& a, steady_clock::time_point deadline) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int e = ::getaddrinfo(a.host.c_str(), std::to_string(a.port).c_str(), &hints, &found); e != 0)
    return tl::unexpected(unreachable(a, e == EAI_SYSTEM ? system_text(errno) : ::gai_strerror(e)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  std::string why = "it has no address";
  for (const auto* one = list.get(); one; one = one->ai_next) {
    Fd fd(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
    if (!fd) {
      why = system_text(errno);
      continue;
    }
    const auto end = connect_to(fd.get(), one->ai_addr, one->ai_addrlen, deadline);
    if (!end.late && !end.error) {
      const int on = 1;
      (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      (void)::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
      return fd;
    }
    why = end.late ? "no answer in time" : system_text(end.error);
    if (end.late) break;
  }
  return tl::unexpected(unreachable(a, why));
}

std::string ssl_text() {
  char text[256] = "";
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the server closed the connection: does it speak TLS on this port?";
  const char* reason = ERR_reason_error_string(code);
  if (reason) return reason;
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Error tls_error(const RedisAddress& a, const std::string& why) {
  return {ErrorCode::kDenied,
          fmt::format(
              "{}: no TLS connection ({}): check tls.ca_file, tls.cert_file and tls.key_file of the queue",
              a.place(), why),
          true};
}

bool is_ip(const std::string& host) {
  in6_addr ignored;
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

Result<RedisSocket> RedisSocket::connect(const RedisAddress& address, const RedisTls& tls,
                                         SteadyTime deadline) {
  auto fd = address.path.empty() ? open_tcp(address, deadline) : open_local(address, deadline);
  if (!fd) return tl::unexpected(fd.error());
  RedisSocket out;
  out.fd_ = std::move(*fd);
  if (address.tls) {
    if (auto ok = out.shake_hands(address, tls, deadline); !ok) return tl::unexpected(ok.error());
  }
  return out;
}

Result<void> RedisSocket::shake_hands(const RedisAddress& a, const RedisTls& tls, SteadyTime deadline) {
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  if (!context) return tl::unexpected(tls_error(a, ssl_text()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (tls.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (SSL_CTX_load_verify_locations(context.get(), tls.ca_file.c_str(), nullptr) != 1) {
    return tl::unexpected(tls_error(a, fmt::format("{}: {}", tls.ca_file, ssl_text())));
  }
  if (!tls.cert_file.empty() &&
      (SSL_CTX_use_certificate_chain_file(context.get(), tls.cert_file.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file.c_str(), SSL_FILETYPE_PEM) != 1)) {
    return tl::unexpected(tls_error(a, fmt::format("{}: {}", tls.cert_file, ssl_text())));
  }
  ssl_.reset(SSL_new(context.get()));
  if (!ssl_) return tl::unexpected(tls_error(a, ssl_text()));
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (is_ip(a.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), a.host.c_str());
  } else {
    SSL_set1_host(ssl_.get(), a.host.c_str());
    SSL_set_tlsext_host_name(ssl_.get(), a.host.c_str());
  }
  SSL_set_fd(ssl_.get(), fd_.get());
  while (true) {
    const int done = SSL_connect(ssl_.get());
    if (done == 1) return {};
    const int e = SSL_get_error(ssl_.get(), done);
    if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
      const auto verified = SSL_get_verify_result(ssl_.get());
      const std::string why =
          tls.verify && verified != X509_V_OK ? X509_verify_cert_error_string(verified) : ssl_text();
      return tl::unexpected(tls_error(a, why));
    }
    if (!wait_for(fd_.get(), e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
      return tl::unexpected(tls_error(a, "no answer in time: does it speak TLS on this port?"));
  }
}

Result<void> RedisSocket::send(std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const char* from = bytes.data() + sent;
    const std::size_t left = bytes.size() - sent;
    if (ssl_) {
      ERR_clear_error();
      const int n = SSL_write(ssl_.get(), from, static_cast<int>(std::min<std::size_t>(left, 1 << 20)));
      if (n > 0) {
        sent += static_cast<std::size_t>(n);
        continue;
      }
      const int e = SSL_get_error(ssl_.get(), n);
      if (e != SSL_ERROR_WANT_WRITE && e != SSL_ERROR_WANT_READ)
        return fail(ErrorCode::kUnavailable, "the connection was lost", true);
    } else {
      const auto n = ::send(fd_.get(), from, left, MSG_NOSIGNAL);
      if (n > 0) {
        sent += static_cast<std::size_t>(n);
        continue;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return fail(ErrorCode::kUnavailable, fmt::format("the connection was lost ({})", system_text(errno)),
                    true);
    }
    break;
  }
  bytes.erase(0, sent);
  return {};
}

Result<void> RedisSocket::receive(ReplyReader& into) {
  char buffer[16'384];
  // As much as is there, but for a server that sends without end: the loop has others to serve.
  for (int round = 0; round < 64; ++round) {
    std::size_t got = 0;
    if (ssl_) {
      ERR_clear_error();
      const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (n <= 0) {
        const int e = SSL_get_error(ssl_.get(), n);
        if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) return {};
        return fail(ErrorCode::kUnavailable, "the server closed the connection", true);
      }
      got = static_cast<std::size_t>(n);
    } else {
      const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
      if (n == 0) return fail(ErrorCode::kUnavailable, "the server closed the connection", true);
      if (n < 0)
        return fail(ErrorCode::kUnavailable, fmt::format("the connection was lost ({})", system_text(errno)),
                    true);
      got = static_cast<std::size_t>(n);
    }
    if (auto ok = into.feed({buffer, got}); !ok) return ok;
  }
  return {};
}

Result<std::vector<Reply>> RedisSocket::talk(const std::vector<RedisCommand>& commands, ReplyReader& reader,
                                             SteadyTime deadline) {
  std::string bytes;
  for (const auto& c : commands) bytes += wire_of(c);
  std::vector<Reply> replies;
  while (replies.size() < commands.size()) {
    if (!bytes.empty()) {
      if (auto ok = send(bytes); !ok) return tl::unexpected(ok.error());
    }
    if (!wait_for(fd_.get(), static_cast<short>(POLLIN | (bytes.empty() ? 0 : POLLOUT)), deadline))
      return fail(ErrorCode::kTimeout, "no answer in time: the server is overloaded, or stands still", true);
    const auto ok = receive(reader);
    while (true) {
      auto reply = reader.next();
      if (!reply) return tl::unexpected(reply.error());
      if (!*reply) break;
      replies.push_back(std::move(**reply));
    }
    if (!ok && replies.size() < commands.size()) return tl::unexpected(ok.error());
  }
  return replies;
}

}  // namespace docktor
