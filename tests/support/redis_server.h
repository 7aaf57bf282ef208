// A private redis-server: own port, own folder, stopped by its pid.
#pragma once

#include <string>
#include <vector>

#include "tests/support/child_server.h"
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
    std::string cli_flags{};             ///< of each cli(): "--tls --insecure"
  };

  RedisServer() : RedisServer(Options{}) {}
  explicit RedisServer(Options options);  ///< started, and ready for clients

  void start();
  void stop() { child_.stop(); }
  void kill() { child_.kill(); }
  void pause() { child_.pause(); }
  void resume() { child_.resume(); }

  std::string url(int db = 0) const;  ///< redis://127.0.0.1:PORT/DB
  int port() const { return child_.port(); }
  const TempDir& dir() const { return dir_; }
  std::string log() const { return child_.log(); }

  /// What redis-cli says to a command as its shell would split it ("XADD s * a 1"), without the last line end.
  /// `flags` stand before it ("-n 3 -a secret").
  std::string cli(const std::string& command, const std::string& flags = {}) const;

 private:
  std::vector<std::string> arguments(int port) const;
  bool answers() const;

  TempDir dir_;
  Options options_;
  ChildServer child_{(dir_.path() / "redis.log").string()};
};

}  // namespace docktor::test
