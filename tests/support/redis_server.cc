#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <utility>

namespace docktor::test {
RedisServer::RedisServer(Options options) : options_(std::move(options)) { start(); }

void RedisServer::start() {
  child_.start([&](int port) { return arguments(port); }, [&] { return answers(); });
}

std::vector<std::string> RedisServer::arguments(int port) const {
  std::vector<std::string> words = {options_.sentinel ? "redis-sentinel" : "redis-server"};
  if (options_.sentinel || !options_.config.empty()) {
    const auto path = dir_.path() / "redis.conf";
    if (!std::filesystem::exists(path)) std::ofstream(path) << options_.config;
    words.push_back(path.string());
  }
  words.insert(words.end(), {"--bind", "127.0.0.1", "--dir", dir_.path().string(),
                             options_.tls ? "--tls-port" : "--port", std::to_string(port)});
  if (options_.tls) words.insert(words.end(), {"--port", "0"});
  if (!options_.sentinel)
    words.insert(words.end(),
                 {"--save", "", "--appendonly", options_.persist ? "yes" : "no", "--appendfsync", "always"});
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  return words;
}

bool RedisServer::answers() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(static_cast<std::uint16_t>(port()));
  const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
  ::close(fd);
  return there;
}

std::string RedisServer::url(int db) const {
  return fmt::format("{}://127.0.0.1:{}/{}", options_.tls ? "rediss" : "redis", port(), db);
}

std::string RedisServer::cli(const std::string& command, const std::string& flags) const {
  const auto line =
      fmt::format("redis-cli -h 127.0.0.1 -p {} {} {} {} 2>&1", port(), options_.cli_flags, flags, command);
  FILE* pipe = popen(line.c_str(), "r");
  if (!pipe) throw std::runtime_error("no redis-cli");
  std::string out;
  char buffer[4096];
  while (const auto n = fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, n);
  pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace docktor::test
