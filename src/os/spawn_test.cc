#include "os/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>

#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

using ::testing::HasSubstr;

struct SpawnTest : ::testing::Test {
  // Runs a command to its end and returns what it wrote; its status goes to `status`.
  std::string output_of(SpawnOptions o) {
    const auto path = dir.path() / "out";
    const Fd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    o.output = out.get();
    const auto s = spawn(o);
    EXPECT_TRUE(s) << s.error().message;
    if (!s) return {};
    EXPECT_EQ(::waitpid(s->identity.pid, &status, 0), s->identity.pid);
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static SpawnOptions shell(const std::string& script) {
    SpawnOptions o;
    o.command = {"/bin/sh", "-c", script};
    o.environment = {{"PATH", "/usr/bin:/bin"}};
    return o;
  }
  Error error_of(const SpawnOptions& o) {
    const auto s = spawn(o);
    EXPECT_FALSE(s);
    return s ? Error{} : s.error();
  }
  std::string program(const std::string& name, const std::string& text, mode_t mode) {
    const auto path = dir.file(name, text);
    ::chmod(path.c_str(), mode);
    return path;
  }

  test::TempDir dir;
  int status = -1;
};

TEST_F(SpawnTest, RunsInItsDirectoryWithItsEnvironmentOnly) {
  auto o = shell(
      "pwd; env | grep -v ^PWD= | grep -v ^_= | grep -v ^SHLVL= | grep -v ^OLDPWD=; echo problem >&2; cat");
  o.directory = dir.path();
  o.environment["COLOUR"] = "blue = green";
  EXPECT_THAT(output_of(o),
              ::testing::AllOf(HasSubstr(dir.path().string() + "\n"), HasSubstr("COLOUR=blue = green\n"),
                               HasSubstr("PATH=/usr/bin:/bin\n"), HasSubstr("problem\n")));
  EXPECT_EQ(status, 0);
}

TEST_F(SpawnTest, LeadsAProcessGroupOfItsOwn) {
  SpawnOptions o;
  o.command = {"sleep", "1000"};
  const auto s = spawn(o);
  ASSERT_TRUE(s);
  const auto stat = read_process_stat(s->identity.pid);
  EXPECT_EQ(stat->group, s->identity.pid);
  EXPECT_EQ(stat->identity, s->identity);
  EXPECT_TRUE(send_signal(s->pidfd, SIGTERM));
  int status = 0;
  EXPECT_EQ(::waitpid(s->identity.pid, &status, 0), s->identity.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST_F(SpawnTest, PassesNoDescriptorOfOurs) {
  const int leak = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC
  const auto seen = output_of(shell("ls /proc/self/fd | wc -l"));
  ::close(leak);
  EXPECT_EQ(seen, "4\n");  // 0, 1, 2 and the folder that ls reads
}

TEST_F(SpawnTest, PassesNoBlockedOrIgnoredSignal) {
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &block, &before);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  const auto blocked = output_of(shell("sed -n 's/^SigBlk:[[:space:]]*//p' /proc/self/status"));
  const auto ignored = output_of(shell("sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status"));
  ::signal(SIGPIPE, handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(std::stoull(blocked, nullptr, 16), 0u);
  const auto glibcs_own = 3ull << 31;  // 32 and 33, which posix_spawn itself has the child ignore
  EXPECT_EQ(std::stoull(ignored, nullptr, 16) & ~glibcs_own, 0u);
}

TEST_F(SpawnTest, UsesTheChildsPathAndDirectory) {
  program("worker", "#!/bin/sh\necho found\n", 0755);
  auto o = shell("");
  o.command = {"worker"};
  o.directory = dir.path();
  o.environment["PATH"] = "/nowhere:" + dir.path().string();
  EXPECT_EQ(output_of(o), "found\n");
  o.command = {"./worker"};
  o.environment.clear();
  EXPECT_EQ(output_of(o), "found\n");
}

TEST_F(SpawnTest, SaysWhichCommandWhyAndTheCure) {
  auto o = shell("");
  o.command = {"no-such-worker"};
  auto e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kNotFound);
  EXPECT_THAT(e.message, HasSubstr("command no-such-worker: not found in PATH (/usr/bin:/bin); install it"));

  o.command = {dir.path() / "missing"};
  e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kNotFound);
  EXPECT_THAT(e.message, HasSubstr("missing: no such file; correct target.command"));

  o.command = {program("plain", "#!/bin/sh\n", 0644)};
  e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kDenied);
  EXPECT_THAT(e.message, HasSubstr("plain: permission denied"));

  o.command = {program("text", "echo hello\n", 0755)};
  e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kInvalid);
  EXPECT_THAT(e.message, HasSubstr("#! line"));

  o.command = {program("stray", "#!/no/such/python -u\n", 0755)};
  e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kNotFound);
  EXPECT_THAT(e.message, HasSubstr("interpreter /no/such/python, which is not there"));

  o.command = {"/bin/true"};
  o.directory = dir.path() / "nowhere";
  e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kNotFound);
  EXPECT_THAT(e.message, HasSubstr("nowhere is not there; make it or correct target.directory"));

  o.command.clear();
  EXPECT_EQ(error_of(o).code, ErrorCode::kInvalid);

  o = shell("");
  o.command.push_back(std::string(10 << 20, 'x'));
  e = error_of(o);
  EXPECT_EQ(e.code, ErrorCode::kInvalid);
  EXPECT_THAT(e.message, HasSubstr("too long"));
}

TEST_F(SpawnTest, FindsACommandAsAShellWould) {
  const auto worker = program("worker", "#!/bin/sh\n", 0755);
  program("plain", "text", 0644);
  const auto here = dir.path().string();
  EXPECT_EQ(*find_command("worker", "/", "/nowhere:" + here), worker);
  EXPECT_EQ(*find_command("worker", here, ""), here + "/worker");
  EXPECT_EQ(*find_command("./worker", here, ""), here + "/worker");
  EXPECT_EQ(*find_command(".//././worker", here + "/", ""), here + "/worker") << "no '/./' for people";
  EXPECT_EQ(*find_command("worker", here, "./"), here + "/worker");
  EXPECT_EQ(find_command("./nothing", here, "").error().message,
            "command " + here + "/nothing: no such file; correct target.command");
  EXPECT_EQ(*find_command(worker, "/", ""), worker);
  EXPECT_EQ(find_command("plain", "/", here).error().code, ErrorCode::kDenied);
  EXPECT_EQ(find_command("./plain", here, "").error().code, ErrorCode::kDenied);
  EXPECT_EQ(find_command(here, "/", "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(find_command("", "/", here).error().code, ErrorCode::kInvalid);
}

TEST_F(SpawnTest, KeepsDocktorsOwnVariablesFromWorkers) {
  ::setenv("DOCKTOR_LLM_API_KEY", "secret", 1);
  ::setenv("NOTIFY_SOCKET", "/run/x", 1);
  ::setenv("COLOUR", "blue", 1);
  const auto e = inherited_environment();
  for (const char* name : {"DOCKTOR_LLM_API_KEY", "NOTIFY_SOCKET", "COLOUR"}) ::unsetenv(name);
  EXPECT_EQ(e.count("DOCKTOR_LLM_API_KEY"), 0u);
  EXPECT_EQ(e.count("NOTIFY_SOCKET"), 0u);
  EXPECT_EQ(e.at("COLOUR"), "blue");
}

}  // namespace
}  // namespace docktor
