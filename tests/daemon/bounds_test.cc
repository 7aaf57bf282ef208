// Bounds of the calendar and of all services together, and what workers say of themselves, by a real daemon.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

// Services of `command` that want more replicas for as long as they have less CPU than a machine: always.
std::string service(const std::string& name, const std::string& command, const std::string& more,
                    const std::string& below = "90000") {
  return "  - name: " + name +
         "\n    max_replicas: 5\n    check_interval: 200ms\n    metrics_window: 1s\n"
         "    rules: {scale_up_when: [{metric: cpu.avg, op: '<', value: " +
         below +
         "}]}\n"
         "    target: {kind: process, command: [" +
         command + "], ready_after: 10ms}\n" + more;
}

// Without asking: from the file that the daemon keeps beside its socket, or its name.
int pid_of(const Sandbox& box) {
  for (const auto& process : box.processes().alive()) {
    const pid_t pid = process.identity.pid;
    std::ifstream name("/proc/" + std::to_string(pid) + "/comm");
    std::string comm;
    std::getline(name, comm);
    if (comm == "docktor") return pid;
  }
  return -1;
}

TEST(Bounds, TheCalendarsHoldAndAreShown) {
  Sandbox box;
  // It always counts, whatever the time of the test is.
  box.write("docktor.yaml",
            "services:\n" +
                service("a", "sleep, '1000'",
                        "    schedule: [{cron: '0 0 * * *', for: 24h, timezone: UTC, max_replicas: 2}]\n"));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas("a") == 2; }));
  ASSERT_TRUE(eventually([&] {
    return box.status("a").value("why_nothing_happens", "").find("max_replicas 2 (schedule 0 0 * * *") !=
           std::string::npos;
  }));
  const Ran status = box.docktor("daemon status");
  EXPECT_NE(status.out.find("Schedule:      0 0 * * *, until "), std::string::npos) << status.out;
  EXPECT_NE(status.out.find("(bounds 1..2)"), std::string::npos) << status.out;
  const Ran valid = box.docktor("config validate");
  EXPECT_EQ(valid.code, 0);
  EXPECT_NE(valid.out.find("seen by the running daemon: more replicas are needed than max_replicas allows"),
            std::string::npos)
      << valid.out;
}

TEST(Bounds, AllServicesTogetherHaveNoMoreThanMaxTotal) {
  Sandbox box;
  box.write("docktor.yaml", "max_total_replicas: 6\nservices:\n" + service("low", "sleep, '1000'", "") +
                                service("high", "sleep, '1000'", "    priority: 1\n"));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas("high") == 5 && box.replicas("low") == 1; })) << box.log();
  EXPECT_NE(box.log().find("make room for services of higher priority"), std::string::npos) << box.log();
}

TEST(Bounds, AReplicaIsReadyWhenItSaysSo) {
  Sandbox box;
  box.write("worker.py", R"(
import os, socket, time
def tell(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
tell("STATUS=importing")
while os.environ["DOCKTOR_REPLICA"] != "a-1" and not os.path.exists("go"):
    time.sleep(0.01)
tell("READY=1\nSTATUS=at work")
time.sleep(1000)
)");
  // No second one before the first has said that it is ready: until then nobody knows that they say so.
  box.write("docktor.yaml", "services:\n" + service("a", "python3, worker.py", "", "0"));
  box.start();
  ASSERT_TRUE(eventually([&] {
    return box.docktor("daemon status").out.find("a-1: ready, it says: at work") != std::string::npos;
  })) << box.docktor("daemon status").out;
  ASSERT_EQ(box.docktor("scale a 3").code, 0);
  ASSERT_TRUE(eventually([&] {
    return box.docktor("daemon status").out.find("a-3: starting, it says: importing") != std::string::npos;
  })) << box.docktor("daemon status").out;
  box.write("go", "");
  EXPECT_TRUE(eventually([&] { return box.status("a").value("ready", 0) == 3; }));
}

// What the daemon holds of its own: a question must not cost what a limit allows.
TEST(Bounds, AskingCostsTheDaemonNoMemory) {
  Sandbox box;
  box.write("docktor.yaml", "services:\n" + service("a", "sleep, '1000'", ""));
  box.start();
  const auto anonymous_kib = [&] {
    std::ifstream status("/proc/" + std::to_string(pid_of(box)) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("RssAnon:")) return std::stol(line.substr(8));
    }
    return 0L;
  };
  const long before = anonymous_kib();
  ASSERT_GT(before, 0);
  for (const char* question :
       {"daemon status", "daemon status --json", "explain", "health", "proposals", "config validate"})
    EXPECT_EQ(box.docktor(question).code, 0) << question;
  EXPECT_LT(anonymous_kib(), before + 4096);
}

}  // namespace
}  // namespace docktor::test
