#include "os/proc.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "os/spawn.h"
#include "tests/support/patience.h"

namespace docktor {
namespace {

using test::eventually;

Spawned started(std::vector<std::string> command, std::map<std::string, std::string> environment = {}) {
  SpawnOptions o;
  o.command = std::move(command);
  o.environment = std::move(environment);
  auto s = spawn(o);
  EXPECT_TRUE(s) << s.error().message;
  return std::move(*s);
}

void finish(const Spawned& s) {
  ::kill(s.identity.pid, SIGKILL);
  ::waitpid(s.identity.pid, nullptr, 0);
}

TEST(ProcessStat, ReadsFieldsBehindANameWithParenthesesSpacesAndNewlines) {
  const auto s = parse_process_stat(
      "4242 (a) R 1 (b\n) S 17 4240 4240 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 1 0 987654 10000000 250 "
      "18446744073709551615 1 1\n");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->identity, (ProcessIdentity{4242, 987654}));
  EXPECT_EQ(s->state, 'S');
  EXPECT_EQ(s->parent, 17);
  EXPECT_EQ(s->group, 4240);
  EXPECT_EQ(s->own_ticks, 33u);
  EXPECT_EQ(s->children_ticks, 77u);
  EXPECT_EQ(s->resident_bytes, 250u * static_cast<unsigned>(::sysconf(_SC_PAGESIZE)));
}

TEST(ProcessStat, IsNothingForAHalfLine) {
  for (const char* text : {"", "12", "12 (sh", "12 (sh)", "12 (sh) S 1 2", "x (sh) S 1 1 1 1 1 1 1"}) {
    EXPECT_FALSE(parse_process_stat(text)) << text;
  }
}

TEST(ProcessStat, ReadsOurselves) {
  const auto s = read_process_stat(::getpid());
  ASSERT_TRUE(s);
  EXPECT_EQ(s->identity.pid, ::getpid());
  EXPECT_EQ(s->parent, ::getppid());
  EXPECT_EQ(s->group, ::getpgrp());
  EXPECT_GT(s->resident_bytes, 0u);
  EXPECT_FALSE(s->dead());
  const auto all = list_processes();
  EXPECT_TRUE(std::ranges::find(all, ::getpid()) != all.end());
}

TEST(Process, IsOpenedOnlyWithItsOwnStartTime) {
  const auto s = started({"sleep", "1000"});
  EXPECT_TRUE(open_process(s.identity));
  auto other = s.identity;
  ++other.start_ticks;
  EXPECT_FALSE(open_process(other));
  finish(s);
  EXPECT_FALSE(open_process(s.identity));
}

TEST(Process, HasEndedWhenItIsAZombie) {
  const auto s = started({"true"});
  EXPECT_TRUE(eventually([&] { return has_ended(s.pidfd); }));
  EXPECT_TRUE(read_process_stat(s.identity.pid)->dead());
  finish(s);
  EXPECT_FALSE(send_signal(s.pidfd, SIGTERM));
}

TEST(Process, TellsItsEnvironmentByWholeNames) {
  const auto s = started({"sleep", "1000"}, {{"TOKEN", "abc=d"}, {"MY_TOKEN", "x"}, {"EMPTY", ""}});
  // posix_spawn returns a moment before the new program has its environment.
  EXPECT_TRUE(eventually([&] { return process_environment(s.identity.pid, "TOKEN") == "abc=d"; }));
  EXPECT_EQ(process_environment(s.identity.pid, "EMPTY"), "");
  EXPECT_FALSE(process_environment(s.identity.pid, "TOK"));
  EXPECT_TRUE(in_our_pid_namespace(s.identity.pid));
  finish(s);
  EXPECT_FALSE(process_environment(s.identity.pid, "TOKEN"));
}

TEST(Process, AgesFromItsStart) {
  const auto s = started({"sleep", "1000"});
  const auto young = age(s.identity);
  EXPECT_LT(young, std::chrono::minutes(1));
  EXPECT_TRUE(eventually([&] { return age(s.identity) > young + std::chrono::milliseconds(20); }));
  EXPECT_GT(age(ProcessIdentity{1, read_process_stat(1)->identity.start_ticks}), age(s.identity));
  finish(s);
}

}  // namespace
}  // namespace docktor
