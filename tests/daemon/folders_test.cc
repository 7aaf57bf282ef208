// What others may do to a running daemon: remove its folders, prepare them before it, rename its services;
// and a start that must not leave anything behind.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Services without a queue: as many workers as min_replicas says.
std::string idle_services(const std::vector<std::pair<std::string, int>>& services) {
  std::string text = "version: \"1\"\nservices:\n";
  for (const auto& [name, min] : services) {
    text += fmt::format(
        "  - {{name: {}, min_replicas: {}, max_replicas: 3, check_interval: 300ms, rules: {{scale_up_when: "
        "[{{metric: "
        "cpu.avg, op: \">\", value: 101}}]}}, target: {{kind: process, command: \"exec sleep 1000\"}}}}\n",
        name, min);
  }
  return text;
}

class FoldersTest : public testing::Test {
 protected:
  void start(const std::vector<std::pair<std::string, int>>& services) {
    box.write("docktor.yaml", idle_services(services));
    box.start();
    for (const auto& [name, n] : services)
      ASSERT_TRUE(eventually([&] { return box.replicas(name) == n; })) << name << box.log();
  }
  std::string find(const std::string& folder, const std::string& name) const {
    std::error_code error;
    for (const auto& f : fs::recursive_directory_iterator(box.path(folder), error)) {
      if (f.path().filename() == name) return f.path();
    }
    return {};
  }
  Sandbox box;
};

TEST_F(FoldersTest, ASecondDaemonIsRefusedAndTheFirstIsReachableAgainWhenTheRunFolderIsRemoved) {
  start({{"a", 2}});
  const int pid = box.daemon_pid();
  fs::remove_all(box.path("run"));
  const Ran second = box.docktor("daemon start");
  EXPECT_EQ(second.code, 1) << second.out;
  EXPECT_NE(second.out.find("a daemon already runs"), std::string::npos) << second.out;
  ASSERT_TRUE(eventually([&] { return box.daemon_pid() == pid; })) << box.log();
  EXPECT_NE(box.log().find("was removed; it is set again"), std::string::npos) << box.log();
  // And once more, the socket alone.
  fs::remove(find("run", "control.sock"));
  ASSERT_TRUE(eventually([&] { return box.daemon_pid() == pid; }));
  EXPECT_EQ(box.replicas("a"), 2);
}

TEST_F(FoldersTest, LogAndJournalBeginAnewWhenTheirFolderIsRemoved) {
  start({{"a", 1}});
  fs::remove_all(box.path("log"));
  ASSERT_TRUE(eventually(
      [&] { return !find("log", "decisions.jsonl").empty() && !find("log", "docktor.log").empty(); }));
  const auto before = box.decisions().size();
  ASSERT_TRUE(eventually([&] { return box.decisions().size() > before + 2; }));
  EXPECT_NE(box.log().find("Decision"), std::string::npos);
  EXPECT_EQ(box.docktor("explain").code, 0);
}

TEST_F(FoldersTest, StatusTellsWhileLogAndJournalCannotBeWritten) {
  start({{"a", 1}});
  const std::string folder = fs::path(find("log", "docktor.log")).parent_path();
  fs::remove_all(folder);
  box.write("in-the-way", "");
  fs::rename(box.path("in-the-way"), folder);
  ASSERT_TRUE(eventually([&] {
    const auto out = box.docktor("daemon status").out;
    return out.find("⚠") != std::string::npos && out.find("is not a folder") != std::string::npos;
  })) << box.docktor("daemon status").out;
  fs::remove(folder);
  ASSERT_TRUE(eventually(
      [&] { return box.docktor("daemon status").out.find("is not a folder") == std::string::npos; }));
}

TEST_F(FoldersTest, FoldersThatSomebodyElsePreparedAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder to another user";
  box.write("docktor.yaml", idle_services({{"a", 1}}));
  constexpr uid_t kNobody = 65534;
  for (const char* which : {"state", "run", "log"}) {
    ASSERT_TRUE(fs::create_directory(box.path(which)));
    ASSERT_EQ(::chown(box.path(which).c_str(), kNobody, kNobody), 0);
    const Ran started = box.docktor("daemon start");
    EXPECT_EQ(started.code, 1) << which << started.out;
    EXPECT_NE(started.out.find("belongs to another user"), std::string::npos) << started.out;
    ASSERT_EQ(::chown(box.path(which).c_str(), 0, 0), 0);
    fs::permissions(box.path(which), fs::perms::all);
    EXPECT_NE(box.docktor("daemon start").out.find("everybody may write there"), std::string::npos);
    fs::remove_all(box.path(which));
  }
}

TEST_F(FoldersTest, AStartThatWaitsForAllStartsNothingUntilAllIsReady) {
  NatsServer server;
  auto text = idle_services({{"good", 2}, {"bad", 1}});
  const auto at = text.rfind(", rules:");
  text.insert(
      at, fmt::format(", queue: {{kind: nats, url: \"{}\", stream: MISSING, consumer: W}}", server.url()));
  box.write("docktor.yaml", text);
  const Ran started = box.docktor("daemon start --wait-ready");
  EXPECT_EQ(started.code, 1) << started.out;
  EXPECT_NE(started.out.find("MISSING"), std::string::npos) << started.out;
  EXPECT_TRUE(box.processes().alive().empty()) << "workers run on that nobody looks after";
}

TEST_F(FoldersTest, AServiceThatIsRenamedIsNamedAndItsReplicasAreStoppedWithTheRest) {
  start({{"old", 2}});
  box.write("docktor.yaml", idle_services({{"new", 1}}));
  const Ran reload = box.docktor("daemon reload");
  EXPECT_EQ(reload.code, 0) << reload.out;
  EXPECT_NE(reload.out.find("left running: old 2"), std::string::npos) << reload.out;
  EXPECT_NE(box.docktor("daemon status").out.find("no longer in the configuration: old 2"),
            std::string::npos);
  ASSERT_TRUE(eventually([&] { return box.replicas("new") == 1; }));
  const Ran stop = box.docktor("daemon stop --replicas");
  EXPECT_EQ(stop.code, 0) << stop.out;
  EXPECT_NE(stop.out.find("All replicas are stopped"), std::string::npos) << stop.out;
  EXPECT_TRUE(eventually([&] { return box.processes().alive().empty(); }));
}

TEST_F(FoldersTest, AReasonFromOutsideStaysTextInStatusProposalsAndLog) {
  start({{"a", 1}});
  const std::string forged = "\x1b[2K\r\x1b[1Aok\n2026-11-28 12:00:00 Decision: approved by ann";
  const Ran ran = box.run(fmt::format("sh -c '{} pause a --reason \"$R\"'", DOCKTOR_BINARY), {{"R", forged}});
  EXPECT_EQ(ran.code, 0) << ran.out;
  for (const auto& text :
       {ran.out, box.docktor("daemon status").out, box.log(), box.docktor("explain").out}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
    EXPECT_EQ(text.find("\n2026-11-28 12:00:00 Decision: approved"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace docktor::test
