// `docktor top` in a real terminal (tmux): what it shows, keys, sizes, a daemon that goes and comes back, and a terminal that is
// afterwards as it was before.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class TopTest : public testing::Test {
 protected:
  TopTest() {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS");
    ServiceText t;
    t.url = server.url();
    t.record_file = box.record_file();
    box.write("docktor.yaml", config_text(t));
  }
  ~TopTest() override { tmux("kill-server"); }

  Ran tmux(const std::string& args) const {
    return box.run(
        fmt::format("TERM=xterm-256color LC_ALL=C.UTF-8 tmux -f /dev/null -S {} {}", box.path("tmux"), args));
  }
  void open(int columns, int rows) const {
    ASSERT_EQ(tmux(fmt::format("new-session -d -x {} -y {} 'PS1=ready: sh'", columns, rows)).code, 0);
    ASSERT_TRUE(shows("ready:"));
  }
  void type(const std::string& keys) const { ASSERT_EQ(tmux("send-keys " + keys).code, 0); }
  std::string screen() const { return tmux("capture-pane -p").out; }
  bool shows(const std::string& text) const {
    return eventually([&] { return screen().find(text) != std::string::npos; });
  }
  bool shows_no_more(const std::string& text) const {
    return eventually([&] { return screen().find(text) == std::string::npos; });
  }
  void top(const std::string& flags = "") const {
    type(fmt::format("'clear; {} top {}' Enter", DOCKTOR_BINARY, flags));
    ASSERT_TRUE(shows("SERVICE")) << screen();
  }

  NatsServer server;
  Sandbox box;
};

TEST_F(TopTest, ShowsWhatIsKeysWorkAndTheTerminalIsAsItWas) {
  box.start();
  open(100, 30);
  type("'stty -a > before' Enter");
  top();
  EXPECT_TRUE(shows("1 ready of 1..5")) << screen();
  EXPECT_TRUE(shows("by trouble"));
  type("s");
  EXPECT_TRUE(shows("by name"));
  type("'/'");
  type("xyz");
  EXPECT_TRUE(shows("/xyz_"));
  EXPECT_TRUE(shows("Esc shows all"));
  type("Escape");
  EXPECT_TRUE(shows("1 ready of 1..5")) << screen();
  type("'?'");
  EXPECT_TRUE(shows("every number behind it"));
  type("'?'");
  EXPECT_TRUE(shows_no_more("every number behind it"));
  type("p");
  EXPECT_FALSE(screen().find("Pause scaling") != std::string::npos) << "it only looks";
  type("Enter");
  EXPECT_TRUE(shows("Enter goes back")) << screen();
  EXPECT_THAT(screen(), HasSubstr("Decision:"));
  type("Enter");
  EXPECT_TRUE(shows("SERVICE"));
  type("C-z");
  EXPECT_TRUE(shows("ready:"));
  type("fg Enter");
  EXPECT_TRUE(shows("SERVICE"));
  type("C-c");
  EXPECT_TRUE(shows("ready:"));
  EXPECT_TRUE(shows_no_more("SERVICE")) << "what stood there stands there again";
  type("'stty -a > after; echo over $?' Enter");
  ASSERT_TRUE(shows("over 0"));
  EXPECT_EQ(box.run("diff before after").out, "");
  EXPECT_EQ(tmux("display-message -p '#{cursor_flag} #{alternate_on} #{wrap_flag}'").out, "1 0 1\n");
}

TEST_F(TopTest, FollowsTheWindowAndTheDaemon) {
  box.start();
  open(140, 40);
  top();
  EXPECT_TRUE(shows("│"));
  tmux("resize-window -x 70 -y 16");
  EXPECT_TRUE(shows_no_more("│"));
  EXPECT_TRUE(shows("consumer"));
  tmux("resize-window -x 40 -y 10");
  EXPECT_TRUE(shows("needs 60 x 15"));
  tmux("resize-window -x 100 -y 30");
  EXPECT_TRUE(shows("1 ready of 1..5"));
  ASSERT_EQ(box.docktor("daemon stop").code, 0);
  EXPECT_TRUE(shows("the daemon has not answered for"));
  EXPECT_TRUE(shows("consumer")) << "what was known stays";
  box.start();
  EXPECT_TRUE(shows_no_more("the daemon has not answered"));
  type("q");
  EXPECT_TRUE(shows("ready:"));
}

TEST_F(TopTest, ActsWhereItMayAndAsksOnce) {
  box.start();
  open(100, 30);
  top("--act");
  ASSERT_TRUE(shows("consumer"));
  type("p");
  ASSERT_TRUE(shows("Pause scaling of consumer?"));
  type("n");
  EXPECT_TRUE(shows("nothing was done"));
  EXPECT_FALSE(box.status().contains("overrides"));
  type("p");
  ASSERT_TRUE(shows("Pause scaling of consumer?"));
  type("y");
  EXPECT_TRUE(shows("paused by a person"));
  EXPECT_TRUE(box.status().contains("overrides"));
  type("u");
  ASSERT_TRUE(shows("decide for consumer again?"));
  type("y");
  EXPECT_TRUE(eventually([&] { return !box.status().contains("overrides"); }));
}

TEST_F(TopTest, APipeGetsOneTableAndNoColourWhereNoneIsWanted) {
  EXPECT_EQ(box.docktor("top").code, 3) << "no daemon runs";
  box.start();
  const auto r = box.docktor("top");
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, HasSubstr("SERVICE"));
  EXPECT_THAT(r.out, HasSubstr("consumer"));
  EXPECT_THAT(r.out, Not(HasSubstr("\033")));
  open(100, 30);
  type(fmt::format("'NO_COLOR=1 {} top' Enter", DOCKTOR_BINARY));
  ASSERT_TRUE(shows("1 ready of 1..5"));
  EXPECT_THAT(tmux("capture-pane -p -e").out, Not(HasSubstr("\033[3")));
}

}  // namespace
}  // namespace docktor::test
