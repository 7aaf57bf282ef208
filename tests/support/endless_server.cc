#include "tests/support/endless_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace docktor::test {

EndlessServer::EndlessServer(std::string begin, Pace pace, bool speaks_first)
    : begin_(std::move(begin)),
      more_(pace == Pace::kDrip ? 1 : 1 << 18, begin_.back()),
      speaks_first_(speaks_first) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof a;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&a), size) != 0 || ::listen(listener_, 256) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) != 0)
    throw std::runtime_error("no port for the test's server");
  port_ = ntohs(a.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

EndlessServer::~EndlessServer() {
  thread_.request_stop();
  thread_.join();
  for (const auto& t : talks_) ::close(t.fd);
  ::close(listener_);
}

// False once the client is gone.
bool EndlessServer::send(int fd, const std::string& bytes) {
  const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) sent_ += n;
  return n > 0 || errno == EAGAIN;
}

bool EndlessServer::go_on(Talk& talk) {
  std::array<char, 65536> asked{};
  const auto n = ::recv(talk.fd, asked.data(), asked.size(), MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
  if (talk.begun) return send(talk.fd, more_);
  if (n < 0 && !speaks_first_) return true;  // it has asked nothing yet
  talk.begun = true;
  ++answers_;
  return send(talk.fd, begin_);
}

void EndlessServer::run(const std::stop_token& stop) {
  const auto pause = std::chrono::milliseconds(more_.size() == 1 ? 100 : 1);
  while (!stop.stop_requested()) {
    pollfd coming{listener_, POLLIN, 0};
    if (::poll(&coming, 1, static_cast<int>(pause.count())) > 0) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) talks_.push_back({fd});
    }
    std::erase_if(talks_, [this](Talk& t) {
      const bool goes = !go_on(t);
      if (goes) ::close(t.fd);
      return goes;
    });
  }
}

}  // namespace docktor::test
