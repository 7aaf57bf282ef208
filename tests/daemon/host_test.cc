// What this machine carries, by a real daemon and workers that take what they can get of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

double meminfo(const std::string& key) {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == key + ":" && file >> kib) return 1024 * kib;
  }
  return 0;
}

// A service of workers that wants more for as long as they have less CPU than a machine: always.
std::string greedy(int most, int step, const std::string& host) {
  return host + "services:\n  - name: a\n    max_replicas: " + std::to_string(most) +
         "\n    check_interval: 500ms\n    metrics_window: 1s\n    scale_up_by: " + std::to_string(step) +
         "\n    rules: {scale_up_when: [{metric: cpu.avg, op: '<', value: 90000}]}\n"
         "    target: {kind: process, command: [python3, worker.py], stop_grace_period: 1s}\n";
}

std::string why(const Sandbox& box) { return box.status("a").value("why_nothing_happens", ""); }

bool has_condition(const Sandbox& box, const std::string& name) {
  const auto status = box.status("a");
  const auto it = status.find("conditions");
  return it != status.end() &&
         std::ranges::any_of(*it, [&](const auto& c) { return c.value("condition", "") == name; });
}

// The most replicas within so many looks, a tenth of a second apart.
int most_of(const Sandbox& box, int looks) {
  int most = 0;
  for (int i = 0; i < looks; ++i) {
    most = std::max(most, box.replicas("a"));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return most;
}

TEST(Host, NoReplicaIsAddedThatTheMemoryHasNoRoomFor) {
  const double total = meminfo("MemTotal"), available = meminfo("MemAvailable");
  ASSERT_GT(available, 0);
  const double hog = available / 32;
  // Room for three and a half; others on this machine may take or free some meanwhile.
  const double reserve = 100 * (available - 3.5 * hog) / total;
  Sandbox box;
  box.write("worker.py", R"(
import os, socket, time
held = b"x" * )" + std::to_string(static_cast<long>(hog)) +
                             R"(
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(1000)
)");
  box.write("docktor.yaml",
            greedy(16, 2, "host: {memory_reserve: " + std::to_string(reserve) + "%, cpu_max: 100%}\n"));
  box.start();
  ASSERT_TRUE(eventually([&] { return has_condition(box, "host_full"); })) << box.log();
  EXPECT_NE(why(box).find("memory available and keeps"), std::string::npos) << why(box);
  EXPECT_LE(most_of(box, 30), 8) << box.log();
  EXPECT_GE(box.replicas("a"), 1);
  const auto last = box.decisions().back();
  EXPECT_EQ(last["limits"].back()["limit"], "host_memory") << last;
  // A person may know better.
  ASSERT_EQ(box.docktor("scale a 9").code, 0);
  EXPECT_TRUE(eventually([&] { return box.replicas("a") == 9; }));
}

TEST(Host, NoReplicaIsAddedThatWouldOnlyShareBusyCores) {
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int step = std::max(1, cores / 4), most = 4 * cores + 12;
  Sandbox box;
  box.write("worker.py", "while True: pass\n");
  box.write("docktor.yaml", greedy(most, step, ""));
  box.start();
  ASSERT_TRUE(eventually([&] {
    return has_condition(box, "host_full") &&
           why(box).find("more would not work faster") != std::string::npos;
  })) << why(box)
      << box.log();
  // Beside others that want the cores, too, one more takes a part of theirs, and may be added.
  EXPECT_LT(most_of(box, 30), most) << box.log();
  const int before = box.replicas("a");
  // Whoever wants it otherwise says so.
  box.write("docktor.yaml", greedy(before + 4, 2, "host: {enabled: false}\n"));
  ASSERT_EQ(box.docktor("daemon reload").code, 0);
  EXPECT_TRUE(eventually([&] { return box.replicas("a") == before + 4; })) << why(box);
}

}  // namespace
}  // namespace docktor::test
