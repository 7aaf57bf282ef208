#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/free_port.h"
#include "tests/support/patience.h"

namespace docktor::test {
RedisServer::RedisServer(Options options) : options_(std::move(options)) { start(); }

RedisServer::~RedisServer() {
  if (pid_ > 0) end(SIGKILL);
}

void RedisServer::start() {
  const bool known = port_ > 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (!known) port_ = free_port();
    const std::string dir = dir_.path().string(), port = std::to_string(port_);
    std::vector<std::string> args = {options_.sentinel ? "redis-sentinel" : "redis-server"};
    if (options_.sentinel || !options_.config.empty()) {
      const auto path = dir_.path() / "redis.conf";
      if (!std::filesystem::exists(path)) std::ofstream(path) << options_.config;
      args.push_back(path.string());
    }
    for (const auto& a : {std::string("--bind"), std::string("127.0.0.1"), std::string("--dir"), dir,
                          std::string("--logfile"), dir + "/redis.log",
                          std::string(options_.tls ? "--tls-port" : "--port"), port})
      args.push_back(a);
    if (options_.tls) args.insert(args.end(), {"--port", "0"});
    if (!options_.sentinel)
      args.insert(args.end(),
                  {"--save", "", "--appendonly", options_.persist ? "yes" : "no", "--appendfsync", "always"});
    args.insert(args.end(), options_.arguments.begin(), options_.arguments.end());
    std::vector<char*> argv;
    for (auto& a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left behind, however the test ends
      dup2(open("/dev/null", O_RDWR), 0);
      dup2(0, 1);
      dup2(0, 2);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (answers()) return;
      if (std::chrono::steady_clock::now() > deadline)
        throw std::runtime_error("redis-server does not start: " + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    pid_ = -1;
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error(fmt::format("{} ended at once: {}", args.front(), log()));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

bool RedisServer::answers() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(static_cast<std::uint16_t>(port_));
  const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
  ::close(fd);
  return there;
}

void RedisServer::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  if (signal != SIGKILL) ::kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::stop() { end(SIGTERM); }
void RedisServer::kill() { end(SIGKILL); }
void RedisServer::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);  // it has stopped when this returns
}
void RedisServer::resume() { ::kill(pid_, SIGCONT); }

std::string RedisServer::url(int db) const {
  return fmt::format("{}://127.0.0.1:{}/{}", options_.tls ? "rediss" : "redis", port_, db);
}

std::string RedisServer::log() const {
  std::ifstream in(dir_.path() / "redis.log");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string RedisServer::cli(const std::string& command, const std::string& flags) const {
  const auto line = fmt::format("redis-cli -h 127.0.0.1 -p {} {} {} 2>&1", port_, flags, command);
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
