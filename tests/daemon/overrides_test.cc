// What people say beside the policy, as commands to a real daemon with real workers.
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

class OverrideCommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS");
    box.write("docktor.yaml", config_text({.url = server.url(), .record_file = box.record_file()}));
  }
  void start(const std::string& flags = "") {
    const Ran ran = box.docktor("daemon start " + flags);
    ASSERT_EQ(ran.code, 0) << ran.out;
  }
  bool becomes(int replicas) {
    return eventually([&] { return box.replicas() == replicas; });
  }
  static bool has(const Ran& r, const std::string& text) { return r.out.find(text) != std::string::npos; }
  static std::string user() {
    const passwd* p = ::getpwuid(::geteuid());
    return p ? p->pw_name : "uid " + std::to_string(::geteuid());
  }

  NatsServer server;
  Sandbox box;
};

TEST_F(OverrideCommandsTest, AScaleHoldsOverARestartUntilResume) {
  start();
  ASSERT_TRUE(becomes(1));
  const Ran scaled = box.docktor("scale consumer 3 --reason 'a test'");
  EXPECT_EQ(scaled.code, 0) << scaled.out;
  EXPECT_TRUE(has(scaled, "scaled to 3 by " + user() + " (a test)")) << scaled.out;
  ASSERT_TRUE(becomes(3));
  EXPECT_EQ(box.docktor("daemon stop").code, 0);
  start();
  ASSERT_TRUE(eventually([&] { return box.decisions().size() > 3; }));
  EXPECT_EQ(box.replicas(), 3);
  const Ran status = box.docktor("daemon status");
  EXPECT_TRUE(has(status, "scaled to 3 by " + user())) << status.out;
  EXPECT_EQ(box.docktor("resume consumer").code, 0);
  EXPECT_TRUE(becomes(1));
}

TEST_F(OverrideCommandsTest, WordsThatCannotBeAreRefused) {
  start();
  EXPECT_EQ(box.docktor("scale consumer 9").code, 1);
  EXPECT_TRUE(has(box.docktor("scale consumer 9"), "outside the bounds of consumer, 1..5"));
  EXPECT_TRUE(has(box.docktor("pause consmer"), "did you mean consumer?"));
  EXPECT_TRUE(has(box.docktor("pause consumer --for soon"), "for is 'soon'; give"));
  EXPECT_TRUE(has(box.docktor("pause consumer --for 367d"), "at most a year"));
  EXPECT_TRUE(has(box.docktor("pause consumer --for 2d"), "until"));
  EXPECT_EQ(box.docktor("scale consumer").code, 2);
  EXPECT_EQ(box.docktor("scale consumer many").code, 2);
  EXPECT_EQ(box.docktor("set-bounds consumer").code, 2);
  EXPECT_EQ(box.docktor("set-bounds consumer 5 2").code, 1);
  EXPECT_EQ(box.docktor("approve nonsense").code, 1);
  EXPECT_EQ(box.docktor("daemon stop").code, 0);
  EXPECT_EQ(box.docktor("pause consumer").code, 3) << "no daemon";
}

TEST_F(OverrideCommandsTest, BoundsAreSetAndReset) {
  start();
  ASSERT_TRUE(becomes(1));
  EXPECT_EQ(box.docktor("set-bounds consumer 2 4").code, 0);
  ASSERT_TRUE(becomes(2));
  EXPECT_TRUE(has(box.docktor("daemon status"), "(bounds 2..4)"));
  EXPECT_EQ(box.docktor("set-bounds consumer --reset").code, 0);
  EXPECT_TRUE(becomes(1));
}

TEST_F(OverrideCommandsTest, ManualWaitsForAYes) {
  start("--manual");
  ASSERT_TRUE(becomes(1)) << "min_replicas needs no approval";
  EXPECT_TRUE(has(box.docktor("daemon status"), "Mode: MANUAL"));
  EXPECT_EQ(box.docktor("pause consumer").code, 0);  // so that the backlog is there when it is decided upon
  box.produce(server.url(), "burst", 30'000);
  EXPECT_EQ(box.docktor("resume consumer").code, 0);
  Sandbox::Json open;
  ASSERT_TRUE(eventually([&] {
    open = Sandbox::Json::parse(box.docktor("proposals --json").out, nullptr, false);
    return open.is_array() && !open.empty();
  }));
  EXPECT_EQ(box.replicas(), 1);
  const auto id = open[0]["id"].get<std::string>();
  EXPECT_TRUE(has(box.docktor("proposals"), id));
  const Ran approved = box.docktor("approve " + id);
  EXPECT_TRUE(has(approved, "approved: consumer 1 → 3")) << approved.out;
  EXPECT_TRUE(becomes(3));
  EXPECT_TRUE(has(box.docktor("explain " + id), "done")) << "the decision's record knows what became of it";
}

TEST_F(OverrideCommandsTest, ADryRunStartsNothing) {
  start("--dry-run");
  ASSERT_TRUE(eventually([&] { return box.decisions(true).size() > 2; }));
  EXPECT_EQ(box.decisions(true)[0]["outcome"], "dry_run");
  EXPECT_EQ(box.replicas(), 0);
  EXPECT_TRUE(box.processes().alive().size() <= 1) << "the daemon alone";
  const Ran status = box.docktor("daemon status");
  EXPECT_TRUE(has(status, "dry run: the decision was not carried out")) << status.out;
  EXPECT_EQ(box.docktor("daemon stop --replicas").code, 0);
  const Ran wrong = box.docktor("daemon start --dry-run consmer");
  EXPECT_EQ(wrong.code, 2) << wrong.out;
}

}  // namespace
}  // namespace docktor::test
