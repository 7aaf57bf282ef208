#include "targets/process/process_scan.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/spawn.h"
#include "targets/process/process_test_bench.h"

namespace docktor {
namespace {

using test::eventually;  // a program that has begun shows its environment a moment later

// A sleeper with that token, ended with the object.
class Sleeper {
 public:
  explicit Sleeper(const std::string& token) {
    SpawnOptions o;
    o.command = {"sleep", "1000"};
    o.environment[std::string(kTokenVariable)] = token;
    process_ = spawn(o);
  }
  ~Sleeper() { end(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  void end() {
    if (!process_) return;
    ::kill(process_->identity.pid, SIGKILL);
    ::waitpid(process_->identity.pid, nullptr, 0);
    process_ = fail(ErrorCode::kNotFound, "ended");
  }
  pid_t pid() const { return process_ ? process_->identity.pid : -1; }

 private:
  Result<Spawned> process_ = fail(ErrorCode::kNotFound, "not begun");
};

struct PoolScanTest : testing::Test {
  std::string pool = "scan-test-" + std::to_string(::getpid());
};

TEST_F(PoolScanTest, EachPoolFindsItsOwnInOneLook) {
  Sleeper one(pool + "/w-1/f/r"), two(pool + "/w-2/f/r"), other(pool + "x/w-1/f/r");
  ASSERT_TRUE(
      eventually([&] { return find_by_pool(pool).size() == 2 && find_by_pool(pool + "x").size() == 1; }));
  PoolScan scan;
  const auto found = scan.find(pool);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found.at(pool + "/w-1/f/r").at(0).identity.pid, one.pid());
  EXPECT_EQ(found.at(pool + "/w-2/f/r").at(0).identity.pid, two.pid());
  EXPECT_EQ(scan.find(pool + "x").size(), 1U);
  EXPECT_TRUE(scan.find(pool + "y").empty());
}

TEST_F(PoolScanTest, SeesWhatWasStartedOnceItIsTold) {
  PoolScan scan;
  EXPECT_TRUE(scan.find(pool).empty());
  Sleeper late(pool + "/w-1/f/r");
  EXPECT_TRUE(eventually([&] {
    scan.forget();
    return scan.find(pool).size() == 1;
  }));
  late.end();
  scan.forget();
  EXPECT_TRUE(scan.find(pool).empty());
}

}  // namespace
}  // namespace docktor
