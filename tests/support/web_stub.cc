#include "tests/support/web_stub.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/support/listener.h"
#include "tests/support/stream_io.h"

namespace docktor::test {
std::string WebRequest::header(const std::string& name) const {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        ::strncasecmp(line.c_str(), name.c_str(), name.size()) != 0)
      continue;
    const auto from = line.find_first_not_of(' ', name.size() + 1);
    return from == std::string::npos ? "" : line.substr(from, line.find_last_not_of("\r ") - from + 1);
  }
  return {};
}

WebStub::WebStub(Script script) : script_(std::move(script)) { start(); }
WebStub::~WebStub() { stop(); }

void WebStub::start() {
  listener_ = listen_on_loopback(port_);
  port_ = port_of(listener_);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

void WebStub::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  talks_.clear();
  ::close(listener_);
}

std::string WebStub::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

void WebStub::script(Script script) {
  const std::scoped_lock lock(mutex_);
  script_ = std::move(script);
}

WebRequest WebStub::last() const {
  const std::scoped_lock lock(mutex_);
  return last_;
}

void WebStub::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd p{listener_, POLLIN, 0};
    if (::poll(&p, 1, 20) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    talks_.emplace_back([this, fd](const std::stop_token& token) {
      talk(fd, token);
      ::close(fd);
    });
  }
}

bool WebStub::reply(int fd, const WebReply& r, const std::stop_token& stop) const {
  const auto until = std::chrono::steady_clock::now() + r.delay;
  while (std::chrono::steady_clock::now() < until && !stop.stop_requested())
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  auto head = fmt::format("HTTP/1.1 {} x\r\n", r.status);
  if (!r.endless) head += fmt::format("Content-Length: {}\r\n", r.body.size());
  for (const auto& h : r.headers) head += h + "\r\n";
  if (!send_all(fd, head + "\r\n", stop)) return false;
  if (r.endless) {
    while (send_all(fd, r.body, stop)) continue;
    return false;
  }
  return send_all(fd, r.cut_off ? r.body.substr(0, r.body.size() / 2) : r.body, stop) && !r.cut_off;
}

void WebStub::talk(int fd, const std::stop_token& stop) {
  std::string in;
  while (true) {
    std::size_t end = 0;
    while ((end = in.find("\r\n\r\n")) == std::string::npos) {
      if (!receive(fd, in, stop)) return;
    }
    WebRequest request;
    request.head = in.substr(0, end + 2);
    in.erase(0, end + 4);
    std::istringstream(request.head) >> request.method >> request.path;
    const auto length = std::strtoul(request.header("Content-Length").c_str(), nullptr, 10);
    while (in.size() < length) {
      if (!receive(fd, in, stop)) return;
    }
    request.body = in.substr(0, length);
    in.erase(0, length);
    Script script;
    {
      const std::scoped_lock lock(mutex_);
      last_ = request;
      script = script_;
    }
    if (!reply(fd, script(request), stop)) return;
  }
}

}  // namespace docktor::test
