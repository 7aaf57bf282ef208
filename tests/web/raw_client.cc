#include "tests/web/raw_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <sstream>

namespace docktor::test {

RawClient::RawClient(int port, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0)
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
}

RawClient::RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::strncpy(a.sun_path, path.c_str(), sizeof a.sun_path - 1);
  connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
}

bool RawClient::send(const std::string& text) const {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto n = ::send(fd_.get(), text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

std::string RawClient::read_until(const std::string& mark, std::chrono::milliseconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  char block[16 << 10];
  while (mark.empty() || got_.find(mark) == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())
            .count();
    pollfd p{fd_.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) <= 0) break;
    const auto n = ::recv(fd_.get(), block, sizeof block, 0);
    if (n <= 0) break;
    got_.append(block, static_cast<std::size_t>(n));
  }
  return got_;
}

bool RawClient::closed(std::chrono::milliseconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  char block[16 << 10];
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now())
            .count();
    pollfd p{fd_.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) <= 0) return false;
    if (::recv(fd_.get(), block, sizeof block, 0) <= 0) return true;
  }
}

Answer ask(RawClient client, const std::string& method, const std::string& path,
           const std::map<std::string, std::string>& headers, const std::string& body) {
  std::string text = method + " " + path + " HTTP/1.1\r\nConnection: close\r\n";
  if (!headers.contains("Host")) text += "Host: localhost\r\n";
  for (const auto& [key, value] : headers) text += key + ": " + value + "\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  client.send(text + "\r\n" + body);
  const auto all = client.read_all();
  Answer a;
  const auto end = all.find("\r\n\r\n");
  if (end == std::string::npos || !all.starts_with("HTTP/1.")) return a;
  a.status = std::atoi(all.c_str() + 9);
  std::istringstream lines(all.substr(0, end));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    a.headers[name] = line.substr(colon + 2);
  }
  a.body = all.substr(end + 4);
  return a;
}

}  // namespace docktor::test
