#include "tests/support/endless_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "tests/support/listener.h"

namespace docktor::test {

namespace {

// False once the client is gone.
bool send_some(int fd, const std::string& bytes) {
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN;
}

}  // namespace

EndlessServer::EndlessServer(std::string begin, Pace pace, bool speaks_first)
    : begin_(std::move(begin)),
      more_(pace == Pace::kDrip ? 1 : 1 << 18, begin_.back()),
      speaks_first_(speaks_first),
      listener_(listen_on_loopback()),
      port_(port_of(listener_)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

EndlessServer::~EndlessServer() {
  thread_.request_stop();
  thread_.join();
  for (const auto& t : talks_) ::close(t.fd);
  ::close(listener_);
}

bool EndlessServer::go_on(Talk& talk) {
  std::array<char, 65536> asked{};
  const auto n = ::recv(talk.fd, asked.data(), asked.size(), MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
  if (talk.begun) return send_some(talk.fd, more_);
  if (n < 0 && !speaks_first_) return true;  // it has asked nothing yet
  talk.begun = true;
  ++answers_;
  return send_some(talk.fd, begin_);
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
