#include "app/demo_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "os/proc.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;

// Each test forks a process that plays the demo's starter, so that the test's own is never a subreaper.
class GuardTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "guardXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    outside_ = pattern;
    ::setenv("XDG_RUNTIME_DIR", outside_.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(outside_); }

  pid_t start(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(run_guarded("private-", [&](const std::string&) { return body(); }));
    return pid;
  }

  // A worker as the supervisor makes them: a session of its own, its parent gone.
  void slip_away(const char* name) const {
    if (::fork() != 0) return;
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    note(name);
    while (true) ::pause();
  }
  void note(const std::string& name) const {
    std::ofstream(outside_ + "/" + name) << ::getpid() << std::endl;
  }

  pid_t noted(const std::string& name) const {
    for (int i = 0; i < 2000; ++i) {
      std::ifstream in(outside_ + "/" + name);
      if (pid_t pid = 0; in >> pid) return pid;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return 0;
  }
  static bool alive(pid_t pid) {
    const auto stat = read_process_stat(pid);
    return stat && !stat->dead();
  }
  template <class Condition>
  static bool soon(const Condition& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
  }
  bool folder_exists() const {
    for (const auto& entry : std::filesystem::directory_iterator(outside_)) {
      if (entry.is_directory()) return true;
    }
    return false;
  }
  static int exit_code(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string outside_;
};

TEST_F(GuardTest, HandsOnTheExitCodeAndEndsWhatWasStarted) {
  const pid_t guard = start([this] {
    slip_away("worker");
    noted("worker");
    return 7;
  });
  EXPECT_EQ(exit_code(guard), 7);
  EXPECT_FALSE(alive(noted("worker")));
  EXPECT_FALSE(folder_exists());
}

TEST_F(GuardTest, CleansUpAfterABodyThatWasKilled) {
  const pid_t guard = start([this] {
    slip_away("worker");
    note("body");
    while (true) ::pause();
    return 0;
  });
  const pid_t worker = noted("worker");
  ::kill(noted("body"), SIGKILL);
  EXPECT_EQ(exit_code(guard), 128 + SIGKILL);
  EXPECT_FALSE(alive(worker));
  EXPECT_FALSE(folder_exists());
}

TEST_F(GuardTest, CleansUpWhenTheGuardItselfIsKilled) {
  const pid_t guard = start([this] {
    slip_away("worker");
    note("body");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    int number = 0;
    sigwait(&set, &number);
    return 0;
  });
  const pid_t worker = noted("worker");
  const pid_t body = noted("body");
  ::kill(guard, SIGKILL);
  EXPECT_EQ(exit_code(guard), 128 + SIGKILL);
  EXPECT_TRUE(soon([&] { return !alive(worker) && !alive(body); }));
  EXPECT_TRUE(soon([&] { return !folder_exists(); }));
}

TEST_F(GuardTest, HandsSignalsOnAndASecondOneKills) {
  const pid_t guard = start([this] {
    note("body");
    while (true) ::pause();  // blocked: the first signal stays pending
    return 0;
  });
  noted("body");
  int status = 0;
  EXPECT_TRUE(soon([&] {
    ::kill(guard, SIGTERM);  // more than once: signals of one kind that come at once may be one
    return ::waitpid(guard, &status, WNOHANG) == guard;
  }));
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGKILL);
  EXPECT_FALSE(folder_exists());
}

TEST(PrivateFolder, IsOursAlone) {
  const auto path = make_private_folder("docktor-test-");
  ASSERT_TRUE(path.has_value()) << path.error().message;
  const auto permissions = std::filesystem::status(*path).permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_all);
  std::filesystem::remove(*path);
}

}  // namespace
}  // namespace docktor
