#include "app/demo_guard.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "os/proc.h"

namespace docktor {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCHLD}) sigaddset(&set, s);
  return set;
}

// All processes below `root`, parents first.
std::vector<ProcessIdentity> descendants(pid_t root) {
  std::multimap<pid_t, ProcessIdentity> children;
  for (const pid_t pid : list_processes()) {
    if (const auto stat = read_process_stat(pid); stat && !stat->dead())
      children.emplace(stat->parent, stat->identity);
  }
  std::vector<ProcessIdentity> found;
  std::vector<pid_t> parents{root};
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    for (auto [it, end] = children.equal_range(parent); it != end; ++it) {
      found.push_back(it->second);
      parents.push_back(it->second.pid);
    }
  }
  return found;
}

void reap_all() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

void remove_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error)
    fmt::print(stderr, "docktor: cannot remove {}: {}; remove it by hand\n", folder, error.message());
}

// The parent's part: waits for the child, hands signals on, and tells how the child ended.
int watch(pid_t child) {
  const sigset_t set = ending_signals();
  int asked = 0;
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended == child) {
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      if (::isatty(STDERR_FILENO)) fmt::print(stderr, "\033[?25h\n");  // it had hidden the cursor
      fmt::print(stderr, "docktor: the demo was killed by signal {}; nothing is left behind\n",
                 WTERMSIG(status));
      return 128 + WTERMSIG(status);
    }
    if (ended > 0) continue;
    const int signal = ::sigwaitinfo(&set, nullptr);
    if (signal == SIGCHLD || signal == SIGTSTP || signal < 0) continue;
    ::kill(child, ++asked > 1 ? SIGKILL : signal == SIGINT ? SIGINT : SIGTERM);
  }
}

}  // namespace

Result<std::string> make_private_folder(const std::string& prefix) {
  std::string base;
  const auto absolute = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value && value[0] == '/' ? value : "";
  };
  if (const auto runtime = absolute("XDG_RUNTIME_DIR");
      !runtime.empty() && ::access(runtime.c_str(), W_OK) == 0) {
    base = runtime;
  } else if (const auto cache = absolute("XDG_CACHE_HOME"); !cache.empty()) {
    base = cache;
  } else if (const auto home = absolute("HOME"); !home.empty()) {
    base = home + "/.cache";
  } else {
    return fail(
        ErrorCode::kInvalid,
        "no place for a private folder: set HOME, XDG_CACHE_HOME or XDG_RUNTIME_DIR to an absolute path");
  }
  std::error_code error;
  std::filesystem::create_directories(base, error);
  std::string path = base + "/" + prefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return fail(
        ErrorCode::kDenied,
        fmt::format(
            "cannot make a private folder in {}: {}; set XDG_CACHE_HOME to a folder that you may write", base,
            std::strerror(errno)));
  }
  return path;
}

void end_descendants() {
  // A process that is being killed may still have started another one: look again until there is none.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < until) {
    const auto left = descendants(::getpid());
    for (const auto& process : left) {
      if (const Fd pidfd = open_process(process)) send_signal(pidfd, SIGKILL);
    }
    reap_all();
    if (left.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

int run_guarded(const std::string& prefix, const std::function<int(const std::string&)>& body) {
  const sigset_t set = ending_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);  // before there is anything to clean up
  const auto made = make_private_folder(prefix);
  if (!made) {
    fmt::print(stderr, "docktor: {}\n", made.error().message);
    return 1;
  }
  const std::string& folder = *made;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    fmt::print(stderr, "docktor: cannot fork: {}\n", std::strerror(errno));
    remove_folder(folder);
    return 1;
  }
  if (child == 0) {
    // A session of its own: what is sent to the parent's whole group (even SIGKILL) leaves one of the two to
    // clean up.
    ::setsid();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::raise(SIGTERM);
    const int code = body(folder);
    end_descendants();
    remove_folder(folder);
    std::fflush(nullptr);
    ::_exit(code);
  }
  const int code = watch(child);
  end_descendants();
  remove_folder(folder);
  return code;
}

}  // namespace docktor
