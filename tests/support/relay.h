// A network of the test's own between a client and a server of this machine: it may be cut, in one direction or both.
#pragma once

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

namespace docktor::test {

/// Listens on a port of 127.0.0.1 and carries bytes to another one and back. Thread-safe.
class Relay {
 public:
  enum class Way {
    kOpen,
    kCut,       ///< nothing arrives on either side, and nobody is told
    kNoAnswer,  ///< what clients say arrives, what the server says does not
    kRefused,   ///< connections end, and new ones end at once: nobody is there
  };

  explicit Relay(int server_port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  int port() const { return port_; }
  void set(Way way) { way_ = way; }
  int connections() const { return connections_; }  ///< taken so far

 private:
  void run(const std::stop_token& stop);
  void take();
  bool carry(int from, int to) const;

  const int server_port_;
  int listener_ = -1, port_ = 0;
  std::atomic<Way> way_ = Way::kOpen;
  std::atomic<int> connections_ = 0;
  std::vector<std::pair<int, int>> pairs_;  // client, server; of the thread
  std::jthread thread_;
};

}  // namespace docktor::test
