// A private PostgreSQL server on loopback: a cluster of its own in a folder that goes with it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace docktor::test {

/// Started with the object, killed with it. As root it runs as another user, since PostgreSQL refuses root. Local users
/// need no password, but for members of the role asks_password over TCP.
class PostgresServer {
 public:
  /// `settings`: lines of postgresql.conf.
  explicit PostgresServer(std::string settings = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void start();
  void stop();   ///< a fast shutdown, waited for
  void kill();   ///< what a crash does; waited for
  void pause();  ///< all its processes stand still: none answers, none closes
  void resume();

  int port() const { return port_; }
  std::string url(const std::string& database = "postgres", const std::string& user = "postgres") const;
  /// Where its socket lies.
  std::string socket_dir() const { return (dir_.path() / "run").string(); }
  /// A file of the cluster's own, readable by the server alone.
  std::string keep(const std::string& name, const std::string& text) const;
  std::string log() const;

  /// Makes an empty database with a name of its own.
  std::string new_database();
  /// psql's answer to one or several statements, rows a line each, columns by |. Fails the test where it is an error.
  std::string sql(const std::string& statements, const std::string& database = "postgres") const;

 private:
  pid_t run(std::vector<std::string> arguments) const;
  std::vector<pid_t> children() const;
  void signal_all(int signal) const;
  bool answers() const;

  TempDir dir_;
  std::string bin_;
  int port_ = -1;
  pid_t pid_ = -1;
  int databases_ = 0;
};

}  // namespace docktor::test
