// A program that a test runs beside itself, with everything that it starts.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace docktor::test {

/// `line` is the shell's; what it prints goes to `log`. Ended with all that it started when the test is.
class Program {
 public:
  Program(const std::string& line, const std::string& log) {
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ != 0) {
      setpgid(pid_, pid_);  // here as well: it may be ended before it has come so far
      return;
    }
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
    dup2(1, 2);
    execl("/bin/sh", "sh", "-c", ("exec " + line).c_str(), nullptr);
    _exit(127);
  }
  ~Program() { kill(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void kill() { end(SIGKILL); }
  void stop() { end(SIGTERM); }  ///< and waits
  /// Its exit code, waited for.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(signal == SIGKILL ? -pid_ : pid_, signal);
    wait();
  }

  pid_t pid_ = -1;
};

}  // namespace docktor::test
