#include "tests/support/child_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/free_port.h"
#include "tests/support/patience.h"

namespace docktor::test {
namespace {

constexpr int kNoProgram = 127;

}  // namespace

void ChildServer::launch(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing is left behind, however the test ends
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
  dup2(1, 2);
  execvp(argv[0], argv.data());
  _exit(kNoProgram);
}

void ChildServer::start(const Arguments& arguments, const Ready& ready) {
  const bool known = port_ > 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto late = [&] { return std::chrono::steady_clock::now() > deadline; };
  while (true) {
    if (!known) port_ = free_port();
    auto words = arguments(port_);
    const auto program = words.at(0);
    launch(std::move(words));
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
      if (ready()) return;
      if (late()) throw std::runtime_error(program + " does not start: " + log());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    pid_ = -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNoProgram)
      throw std::runtime_error("no program " + program);
    if (late()) throw std::runtime_error(program + " ended at once: " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the port may be another's for a moment
  }
}

void ChildServer::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  if (signal != SIGKILL) ::kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void ChildServer::pause() {
  ::kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);  // it has stopped when this returns
}

void ChildServer::resume() { ::kill(pid_, SIGCONT); }

std::string ChildServer::log() const {
  std::ifstream in(log_path_);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace docktor::test
