// A server whose answer never ends: it begins as the protocol has it, and goes on.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace docktor::test {

/// Listens on a port of 127.0.0.1. Whatever a client sends, or once it is there where the server
/// speaks first, it gets `begin` and then the last byte of it for ever: ten a second, or as many
/// as it takes. Thread-safe.
class EndlessServer {
 public:
  enum class Pace { kDrip, kFlood };

  EndlessServer(std::string begin, Pace pace, bool speaks_first = false);
  ~EndlessServer();
  EndlessServer(const EndlessServer&) = delete;
  EndlessServer& operator=(const EndlessServer&) = delete;

  int port() const { return port_; }
  int answers() const { return answers_; }

 private:
  struct Talk {
    int fd;
    bool begun = false;
  };

  void run(const std::stop_token& stop);
  bool go_on(Talk& talk);

  const std::string begin_;
  const std::string more_;
  const bool speaks_first_;
  const int listener_, port_;
  std::atomic<int> answers_ = 0;
  std::vector<Talk> talks_;  // of the thread
  std::jthread thread_;
};

}  // namespace docktor::test
