#include "tests/support/relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#include "tests/support/listener.h"

namespace docktor::test {
namespace {

sockaddr_in here(int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(static_cast<std::uint16_t>(port));
  return a;
}

}  // namespace

Relay::Relay(int server_port) : server_port_(server_port) {
  listener_ = listen_on_loopback();
  port_ = port_of(listener_);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Relay::~Relay() {
  thread_.request_stop();
  thread_.join();
  for (const auto& [client, server] : pairs_) {
    ::close(client);
    ::close(server);
  }
  ::close(listener_);
}

void Relay::take() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++connections_;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto a = here(server_port_);
  if (way_ == Way::kRefused || ::connect(server, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) {
    ::close(client);
    ::close(server);
    return;
  }
  pairs_.emplace_back(client, server);
}

// False where there is nothing more to carry.
bool Relay::carry(int from, int to) const {
  std::array<char, 65536> bytes{};
  const auto n = ::recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN;
  for (ssize_t sent = 0; sent < n;) {
    const auto m = ::send(to, bytes.data() + sent, static_cast<std::size_t>(n - sent), MSG_NOSIGNAL);
    if (m <= 0) return false;
    sent += m;
  }
  return n > 0;
}

void Relay::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Way way = way_;
    std::vector<pollfd> polled{{listener_, static_cast<short>(way == Way::kCut ? 0 : POLLIN), 0}};
    for (const auto& [client, server] : pairs_) {
      polled.push_back({way == Way::kCut ? -1 : client, POLLIN, 0});
      polled.push_back({way == Way::kCut || way == Way::kNoAnswer ? -1 : server, POLLIN, 0});
    }
    ::poll(polled.data(), polled.size(), 20);
    std::vector<std::pair<int, int>> left;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto& [client, server] = pairs_[i];
      const bool goes_on = way != Way::kRefused &&
                           (polled[2 * i + 1].revents == 0 || carry(client, server)) &&
                           (polled[2 * i + 2].revents == 0 || carry(server, client));
      if (goes_on) {
        left.emplace_back(client, server);
        continue;
      }
      ::close(client);
      ::close(server);
    }
    pairs_ = std::move(left);
    if (polled[0].revents != 0) take();
  }
}

}  // namespace docktor::test
