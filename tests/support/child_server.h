// A server of a test's own, as a process: started until it is ready, ended by its pid.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace docktor::test {

/// Keeps its port across end and start, and dies with the test. What it writes goes into the log.
class ChildServer {
 public:
  explicit ChildServer(std::string log_path) : log_path_(std::move(log_path)) {}
  ~ChildServer() { kill(); }
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  using Arguments = std::function<std::vector<std::string>(int port)>;  ///< the program first
  using Ready = std::function<bool()>;

  /// Returns once it is ready; throws, with the log, where it does not come to that. The first time it gets a free port, and
  /// another one where somebody else was quicker; a port that it has had is waited for.
  void start(const Arguments& arguments, const Ready& ready);

  void end(int signal);          ///< and waits, whether it was paused or not
  void stop() { end(SIGTERM); }  ///< SIGTERM, and waits
  void kill() { end(SIGKILL); }  ///< SIGKILL, and waits: what a crash does
  void pause();                  ///< SIGSTOP: it neither answers nor closes
  void resume();                 ///< SIGCONT

  int port() const { return port_; }
  std::string log() const;

 private:
  void launch(std::vector<std::string> arguments);

  const std::string log_path_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace docktor::test
