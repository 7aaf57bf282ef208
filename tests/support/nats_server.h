// A private nats-server: own port, own store, stopped by its pid.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/support/temp_dir.h"

namespace docktor::test {

/// The server under test: the environment's NATS_SERVER, else nats-server from the PATH.
std::string nats_server_binary();

/// A nats-server that knows several filter subjects (2.10 or later): NATS_SERVER_210, NATS_SERVER if it is
/// new enough, or what scripts/fetch-nats-210.sh left in a build folder. Empty when there is none: the test
/// skips, aloud.
std::string newer_nats_server_binary();

/// Listens on a free port of 127.0.0.1 and keeps that port and its store across stop, kill and start. It dies
/// with the test.
class NatsServer {
 public:
  struct Options {
    std::string binary = nats_server_binary();
    bool jetstream = true;
    std::string config;               ///< further lines of its configuration file: accounts, tls, limits
    std::string jetstream_options{};  ///< further settings of JetStream: "domain: hub"
  };

  NatsServer() : NatsServer(Options{}) {}
  explicit NatsServer(Options options);  ///< started, and ready for clients
  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  void start();
  void stop();    ///< SIGTERM, and waits
  void kill();    ///< SIGKILL, and waits: what a crash does
  void pause();   ///< SIGSTOP: it neither answers nor closes
  void resume();  ///< SIGCONT
  /// Writes another configuration; the next start takes it.
  void configure(Options options);

  std::string url() const;  ///< nats://127.0.0.1:PORT
  int port() const { return port_; }
  int leaf_port() const;  ///< where leaf nodes may join, as `leafnodes { listen: "127.0.0.1:-1" }` chose it
  pid_t pid() const { return pid_; }
  const TempDir& dir() const { return dir_; }
  std::string log() const;

 private:
  void end(int signal);

  TempDir dir_;
  Options options_;
  int port_ = -1;
  pid_t pid_ = -1;
};

}  // namespace docktor::test
