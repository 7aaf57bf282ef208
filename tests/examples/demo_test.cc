// `docktor demo` as it is typed: what it ends with, and that it leaves nothing behind however it ends.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>

#include "tests/examples/program.h"
#include "tests/support/missing.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

namespace fs = std::filesystem;

class DemoTest : public testing::Test {
 protected:
  void SetUp() override {
    // The demo looks for Debian's server itself; tests may name another one.
    const auto server = fs::path(nats_server_binary());
    fs::create_directory(dir_.path() / "bin");
    if (server.is_absolute()) fs::create_symlink(server, dir_.path() / "bin" / "nats-server");
    fs::create_directory(dir_.path() / "run");
  }
  std::unique_ptr<Program> start(const std::string& seconds, std::map<std::string, std::string> more = {},
                                 const std::vector<std::string>& arguments = {}) {
    const char* path = std::getenv("PATH");
    more["PATH"] = (dir_.path() / "bin").string() + ":" + (path ? path : "/usr/bin:/bin");
    more["XDG_RUNTIME_DIR"] = (dir_.path() / "run").string();
    std::vector<std::string> command{DOCKTOR_BINARY, "demo", "--seconds", seconds};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return std::make_unique<Program>(mark_, (dir_.path() / "output").string(), command, more);
  }
  // The demo's second process may need a moment after the one that we know.
  void expect_nothing_left() {
    EXPECT_TRUE(eventually([this] { return mark_.alive().empty(); }));
    EXPECT_TRUE(eventually([this] { return fs::is_empty(dir_.path() / "run"); }));
  }

  TempDir dir_;
  MarkedProcesses mark_;
};

TEST_F(DemoTest, AccountsForEveryMessageAndLeavesNothing) {
  const auto kept = (dir_.path() / "kept").string();
  const auto demo = start("8", {{"DOCKTOR_DEMO_KEEP", kept}});
  EXPECT_EQ(demo->exit_code(), 0) << demo->output();
  const auto text = demo->output();
  EXPECT_NE(text.find("\n  lost       0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("scale_up    1 → 3     queue.backlog 1"), std::string::npos) << text;
  EXPECT_NE(text.find("scale_down"), std::string::npos) << text;
  EXPECT_EQ(text.find('\033'), std::string::npos) << "colours although it is no terminal";
  expect_nothing_left();
  // The account by what the producer and the workers wrote themselves.
  const auto published = records_in(kept + "/published");
  std::map<std::string, int> processed;
  for (const auto& r : records_in(kept + "/processed")) ++processed[r.run + "-" + std::to_string(r.sequence)];
  EXPECT_GT(published.size(), 1500u);
  for (const auto& r : published)
    EXPECT_GE(processed[r.run + "-" + std::to_string(r.sequence)], 1) << r.run << r.sequence;
}

// The same minute on other queues, with workers in Python.
class DemoQueueTest : public DemoTest, public testing::WithParamInterface<const char*> {};

TEST_P(DemoQueueTest, AccountsForEveryMessageAndLeavesNothing) {
  const auto demo = start("8", {}, {"--queue", GetParam()});
  EXPECT_TRUE(eventually([&] { return demo->ended(); }, 3 * kPatience));  // servers may take long to start
  EXPECT_EQ(demo->exit_code(), 0) << demo->output();
  const auto text = demo->output();
  EXPECT_NE(text.find("\n  lost       0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("scale_up    1 → 3     queue.backlog 1"), std::string::npos) << text;
  EXPECT_NE(text.find("scale_down"), std::string::npos) << text;
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Queues, DemoQueueTest, testing::Values("redis", "rabbitmq"),
                         [](const auto& info) { return std::string(info.param); });

// Kafka is no package of Debian: one that was unpacked somewhere is found by its folder or its script.
TEST_F(DemoTest, OnKafkaItAccountsForEveryMessageAndLeavesNothing) {
  if (!fs::exists(DOCKTOR_KAFKA "/fetched")) SKIP_FOR_WANT_OF("no Kafka: scripts/fetch-kafka.sh");
  fs::create_directories(dir_.path() / "kafka/bin");
  fs::create_directory_symlink(DOCKTOR_KAFKA "/lib", dir_.path() / "kafka/libs");
  std::ofstream(dir_.path() / "kafka/bin/kafka-server-start.sh") << "#!/bin/sh\n";
  fs::permissions(dir_.path() / "kafka/bin/kafka-server-start.sh", fs::perms::owner_all);
  fs::create_symlink(dir_.path() / "kafka/bin/kafka-server-start.sh",
                     dir_.path() / "bin/kafka-server-start.sh");
  const auto demo = start("8", {{"KAFKA_HOME", ""}}, {"--queue", "kafka"});
  EXPECT_TRUE(eventually([&] { return demo->ended(); }, 3 * kPatience));  // Java starts twice
  EXPECT_EQ(demo->exit_code(), 0) << demo->output();
  const auto text = demo->output();
  EXPECT_NE(text.find("\n  lost       0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("scale_up    1 → 3     queue.backlog 1"), std::string::npos) << text;
  EXPECT_NE(text.find("scale_down"), std::string::npos) << text;
  expect_nothing_left();
}

TEST_F(DemoTest, WhereThereIsNoKafkaItSaysWhatToInstall) {
  const auto demo = start("8", {{"KAFKA_HOME", dir_.path().string()}}, {"--queue", "kafka"});
  EXPECT_EQ(demo->exit_code(), 1);
  const auto text = demo->output();
  EXPECT_NE(text.find("KAFKA_HOME (" + dir_.path().string() + ") has no libs/kafka_*.jar"), std::string::npos)
      << text;
  EXPECT_NE(text.find("apt-get install default-jre-headless python3-confluent-kafka"), std::string::npos)
      << text;
}

TEST_F(DemoTest, RefusesAQueueThatItDoesNotHave) {
  const auto demo = start("8", {}, {"--queue", "carrier-pigeons"});
  EXPECT_EQ(demo->exit_code(), 2);
  EXPECT_NE(demo->output().find("rabbitmq"), std::string::npos) << "what there is: " << demo->output();
}

// Where the demo is stopped, and how.
struct Moment {
  const char* name;
  const char* said;  // what its output has by then; empty: at once
  int signal;
  int code;
};
void PrintTo(const Moment& x, std::ostream* out) { *out << x.name; }
class DemoStopTest : public DemoTest, public testing::WithParamInterface<Moment> {};

TEST_P(DemoStopTest, LeavesNothing) {
  const Moment& moment = GetParam();
  const auto demo = start("60");
  ASSERT_TRUE(demo->says(moment.said)) << demo->output();
  demo->signal(moment.signal);
  EXPECT_EQ(demo->exit_code(), moment.code) << demo->output();
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Moments, DemoStopTest,
                         testing::Values(Moment{"InterruptedAtOnce", "", SIGINT, 130},
                                         Moment{"InterruptedAtItsStart", "docktor demo", SIGINT, 130},
                                         Moment{"InterruptedWhileItScales", "3 → 5", SIGINT, 130},
                                         Moment{"Terminated", "1 → 3", SIGTERM, 143},
                                         Moment{"HungUp", "1 → 3", SIGHUP, 143},
                                         Moment{"Killed", "1 → 3", SIGKILL, 137}),
                         [](const auto& info) { return info.param.name; });

TEST_F(DemoTest, SaysWhatIsMissing) {
  const auto demo = start("5", {});
  demo->signal(SIGKILL);
  demo->exit_code();
  Program lost(mark_, (dir_.path() / "lost").string(), {DOCKTOR_BINARY, "demo"},
               {{"XDG_RUNTIME_DIR", "relative"}, {"XDG_CACHE_HOME", ""}, {"HOME", ""}});
  EXPECT_EQ(lost.exit_code(), 1);
  EXPECT_NE(lost.output().find("no place for a private folder: set HOME"), std::string::npos)
      << lost.output();
}

}  // namespace
}  // namespace docktor::test
