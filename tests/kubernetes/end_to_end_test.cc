// The main job on Kubernetes: nats-server, daemon, a Deployment whose pods run the real worker. It accounts for every message.
#include "tests/daemon/sandbox.h"
#include "tests/kubernetes/stage.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

class KubernetesDaemonTest : public KubernetesTest {
 protected:
  void SetUp() override {
    KubernetesTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS", NatsClient::Json::object());
    kubectl(
        "apply -f -",
        manifest({.name = "consumer",
                  .replicas = 0,
                  .command = fmt::format("[{}]", DOCKTOR_WORKER),
                  .container = fmt::format(
                      ", env: [{{name: NATS_URL, value: \"{}\"}}, {{name: CONSUMER, value: WEB_WORKERS}}, "
                      "{{name: PROCESS_TIME_MS, value: \"4\"}}, {{name: RECORD_FILE, value: \"{}\"}}]",
                      server.url(), box.record_file())}));
  }

  // The service of the daemon's own tests, with pods in place of processes.
  void configure(int min) const {
    auto text = config_text({.url = server.url(), .min = min, .record_file = box.record_file()});
    text = text.substr(0, text.find("    target:")) +
           fmt::format("    target: {{kind: kubernetes, kubeconfig: \"{}\"}}\n",
                       plane().kubeconfig_of("docktor", ns));
    box.write("docktor.yaml", text);
  }
  bool all_once(const std::string& run) const {
    for (const auto& [seq, times] : box.processed(run))
      if (times != 1) return false;
    return true;
  }

  NatsServer server;
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
