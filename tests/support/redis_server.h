// A private redis-server: own port, own folder, stopped by its pid.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace docktor::test {

/// Listens on a free port of 127.0.0.1 and keeps that port and its append-only file across stop, kill and start. It
/// dies with the test.
class RedisServer {
 public:
  struct Options {
    std::vector<std::string> arguments;  ///< further ones: {"--requirepass", "x"}
    bool tls = false;                    ///< speaks TLS alone; arguments name the certificates
    bool persist = true;                 ///< keeps its data across kill and start
    bool sentinel = false;               ///< a sentinel; `config` has what it watches
    std::string config{};                ///< lines of a configuration file that it may rewrite
  };

  RedisServer() : RedisServer(Options{}) {}
  explicit RedisServer(Options options);  ///< started, and ready for clients
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start();
  void stop();    ///< SIGTERM, and waits
  void kill();    ///< SIGKILL, and waits: what a crash does
  void pause();   ///< SIGSTOP: it neither answers nor closes
  void resume();  ///< SIGCONT

  std::string url(int db = 0) const;  ///< redis://127.0.0.1:PORT/DB
  int port() const { return port_; }
  const TempDir& dir() const { return dir_; }
  std::string log() const;

  /// What redis-cli says to a command as its shell would split it ("XADD s * a 1"), without the last line end.
  /// `flags` stand before it ("-n 3 -a secret").
  std::string cli(const std::string& command, const std::string& flags = {}) const;

 private:
  void end(int signal);
  bool answers() const;

  TempDir dir_;
  Options options_;
  int port_ = -1;
  pid_t pid_ = -1;
};

}  // namespace docktor::test
