#include "os/run_command.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using namespace std::chrono_literals;

SpawnOptions shell(const std::string& script) {
  return {.command = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}};
}

TEST(RunCommand, TakesOutputAndStatus) {
  const auto r = run_command(shell("echo out; echo err >&2; exit 3"), 60s);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(3, r->status);
  EXPECT_EQ("out\nerr\n", r->output);
}

TEST(RunCommand, OutputBeyondTheLimitIsDroppedButRead) {
  const auto r = run_command(shell("head -c 1000000 /dev/zero; exit 0"), 60s, {}, 1000);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(0, r->status);
  EXPECT_EQ(1000u, r->output.size());
}

TEST(RunCommand, ADeadlineKillsTheGroup) {
  const auto r = run_command(shell("sleep 1000 & sleep 1000"), 100ms);
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kTimeout, r.error().code);
}

TEST(RunCommand, AStopTokenEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto r = run_command(shell("sleep 1000"), 600s, stop.get_token());
  ASSERT_FALSE(r);
  EXPECT_EQ(ErrorCode::kUnavailable, r.error().code);
}

TEST(RunCommand, AChildLeftBehindIsNotWaitedFor) {
  const auto r = run_command(shell("sleep 5 & echo started"), 600s);
  ASSERT_TRUE(r);
  EXPECT_EQ("started\n", r->output);
}

}  // namespace
}  // namespace docktor
