// The main job on Kubernetes: nats-server, daemon, a Deployment whose pods run the real worker. It accounts for every message.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "os/atomic_file.h"
#include "tests/kubernetes/daemon_stage.h"
#include "tests/support/relay.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

class KubernetesDaemonTest : public KubernetesWorkerTest {
 protected:
  void SetUp() override {
    KubernetesWorkerTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) deploy(box, 0, 4);
  }

  // The service of the daemon's own tests, with pods in place of processes.
  void configure(int min) const { configure(min, plane().kubeconfig_of("docktor", ns)); }
  void configure(int min, const std::string& kubeconfig) const {
    auto text = config_text({.url = server.url(), .min = min, .record_file = box.record_file()});
    text = text.substr(0, text.find("    target:")) +
           fmt::format("    target: {{kind: kubernetes, kubeconfig: \"{}\"}}\n", kubeconfig);
    box.write("docktor.yaml", text);
  }
  bool all_once(const std::string& run) const {
    for (const auto& [seq, times] : box.processed(run))
      if (times != 1) return false;
    return true;
  }

  Sandbox box;
};

TEST_F(KubernetesDaemonTest, ABacklogScalesUpAndIdlenessDown) {
  configure(1);
  box.produce(server.url(), "held", 4000);
  const auto valid = box.docktor("config validate");
  EXPECT_EQ(valid.code, 0) << valid.out;
  EXPECT_THAT(valid.out, HasSubstr("deployment consumer in namespace " + ns + ": 0 replicas"));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.all_processed("held", 4000); }))
      << box.processed("held").size() << "\n"
      << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("2→1"); })) << box.moves() << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1") << box.log();
  EXPECT_TRUE(all_once("held"));
}

TEST_F(KubernetesDaemonTest, FromZeroAndBackAndThroughALossOfTheApiServer) {
  configure(0);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }));
  box.produce(server.url(), "one", 1);
  ASSERT_TRUE(eventually([&] { return box.all_processed("one", 1); })) << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves();
  plane().kill();
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("does not answer") != std::string::npos; }))
      << box.status();
  box.produce(server.url(), "many", 1500);
  plane().start();
  ASSERT_TRUE(eventually([&] { return box.all_processed("many", 1500); }))
      << box.processed("many").size() << "\n"
      << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves();
  EXPECT_TRUE(all_once("one") && all_once("many"));
}

// DOCKTOR_OUTAGE=3600 for an hour.
TEST_F(KubernetesDaemonTest, AServerThatIsGoneForLongIsAskedSeldomAndWhenItIsBackNothingIsTakenBack) {
  const char* given = std::getenv("DOCKTOR_OUTAGE");  // NOLINT(concurrency-mt-unsafe)
  const int outage = given ? std::atoi(given) : 8;    // NOLINT(cert-err34-c)
  const auto url = plane().url();
  Relay way(std::stoi(url.substr(url.rfind(':') + 1)));
  auto text = read_file(plane().kubeconfig_of("docktor", ns), 1 << 20).value();
  text.replace(text.find(url), url.size(), fmt::format("https://127.0.0.1:{}", way.port()));
  configure(1, box.write("kubeconfig", text));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; })) << box.log();
  way.set(Relay::Way::kRefused);
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("does not answer") != std::string::npos; }))
      << box.status();
  const auto resident = [&] {  // MB
    const auto status = read_file(fmt::format("/proc/{}/status", box.daemon_pid()), 1 << 20).value_or("");
    const auto at = status.find("VmRSS:");
    return at == std::string::npos ? 0.0 : std::atof(status.c_str() + at + 6) / 1024;
  };
  const double before = resident();
  const int tried = way.connections();
  const auto began = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(outage));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const int tries = way.connections() - tried;
  const double grown = resident() - before;
  std::printf("gone for %.0f s: asked %d times, %.1f MB more resident\n", seconds, tries, grown);
  EXPECT_LE(tries, 20 + 3 * seconds);  // four watches that wait up to 20 s, and /scale each 2 s
  EXPECT_LT(grown, 8);
  box.produce(server.url(), "meanwhile", 4000);
  way.set(Relay::Way::kOpen);
  ASSERT_TRUE(eventually([&] { return box.all_processed("meanwhile", 4000); }))
      << box.processed("meanwhile").size() << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("2→1"); })) << box.moves() << box.log();
  bool down = false;
  for (const auto& d : box.decisions(true)) {
    const bool up = d["target_replicas"] > d["current_replicas"];
    EXPECT_FALSE(up && down) << box.moves();
    down = down || !up;
  }
  EXPECT_TRUE(all_once("meanwhile"));
}

TEST_F(KubernetesDaemonTest, APersonsStopIsLeftAloneUntilResumed) {
  configure(1);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.status().is_object() && box.status()["ready"] == 1; }))
      << box.log();
  kubectl("scale deployment consumer --replicas=0");
  ASSERT_TRUE(eventually([&] {
    return box.status().dump().find("scaled to 0 outside docktor") != std::string::npos;
  })) << box.status();
  box.produce(server.url(), "later", 100);
  EXPECT_EQ(box.docktor("resume consumer").code, 0);
  ASSERT_TRUE(eventually([&] { return box.all_processed("later", 100); })) << box.log();
}

}  // namespace
}  // namespace docktor::test
