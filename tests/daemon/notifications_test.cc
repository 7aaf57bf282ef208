// Notifications from the real daemon to receivers that are slow, refuse, hang, or are not there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "tests/daemon/sandbox.h"
#include "tests/support/free_port.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;

// Keeps what it gets; how it answers is the test's.
class Receiver {
 public:
  explicit Receiver(WebReply reply = {}) : reply_(std::move(reply)) {}

  std::string url(const std::string& form = "json") const {
    return form + "+" + web_.url() + "/hook-hidden1";
  }
  void answer(WebReply reply) {
    const std::scoped_lock lock(mutex_);
    reply_ = std::move(reply);
  }
  std::vector<WebRequest> got() const {
    const std::scoped_lock lock(mutex_);
    return got_;
  }
  std::vector<std::string> titles() const {
    std::vector<std::string> all;
    for (const auto& r : got()) {
      const auto j = nlohmann::json::parse(r.body, nullptr, false);
      for (const auto& e : j["events"]) all.push_back(e["title"]);
    }
    return all;
  }
  bool has(const std::string& words) const {
    for (const auto& t : titles()) {
      if (t.find(words) != std::string::npos) return true;
    }
    return false;
  }
  WebStub& web() { return web_; }

 private:
  mutable std::mutex mutex_;
  WebReply reply_;
  std::vector<WebRequest> got_;
  WebStub web_{[this](const WebRequest& r) {
    const std::scoped_lock lock(mutex_);
    got_.push_back(r);
    return reply_;
  }};
};

class NotificationsTest : public testing::Test {
 protected:
  NotificationsTest() {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS");
  }

  void configure(const std::string& channels) const {
    ServiceText t;
    t.url = server.url();
    t.record_file = box.record_file();
    box.write("docktor.yaml", "notifications:\n" + channels + config_text(t));
  }
  static std::string channel(const std::string& name, const std::string& url, const std::string& more = "") {
    return fmt::format("  - {{name: {}, url: '{}', hold_off: 1s{}}}\n", name, url, more);
  }
  std::string all_that_is_shown() const {
    return box.log() + box.docktor("daemon status").out + box.docktor("daemon status --json").out +
           box.docktor("config validate").out;
  }

  NatsServer server;
  Sandbox box;
};

TEST_F(NotificationsTest, OnceWhenTheQueueIsGoneAndOnceWhenItIsBackWhateverTheOthersDo) {
  Receiver good, slow({.delay = std::chrono::seconds(2)}), hangs({.delay = std::chrono::minutes(10)}),
      busy({.status = 429, .headers = {"Retry-After: 1"}}), broken({.status = 500}), gone({.status = 410});
  configure(channel("good", good.url()) + channel("slow", slow.url()) + channel("hangs", hangs.url()) +
            channel("busy", busy.url()) + channel("broken", broken.url()) + channel("gone", gone.url()) +
            channel("nobody", fmt::format("json+http://127.0.0.1:{}/x", free_port())));
  box.start();
  server.stop();
  ASSERT_TRUE(eventually(
      [&] { return good.has("consumer: the queue cannot be read") && slow.has("cannot be read"); }));
  ASSERT_TRUE(
      eventually([&] { return !gone.got().empty() && !busy.got().empty() && !broken.got().empty(); }));
  EXPECT_EQ(box.docktor("daemon status").code, 0) << "the daemon answers people meanwhile";
  busy.answer({});
  server.start();
  ASSERT_TRUE(eventually([&] { return good.has("consumer: over after") && slow.has("over after"); }));
  ASSERT_TRUE(eventually([&] { return busy.has("over after"); })) << "429 is tried again";
  EXPECT_EQ(good.titles().size(), 2U);
  EXPECT_EQ(gone.got().size(), 1U) << "nothing more once it is gone";
  const auto status = box.docktor("daemon status").out;
  EXPECT_THAT(status, HasSubstr("notifications of gone do not arrive"));
  EXPECT_THAT(status, HasSubstr("notifications of nobody do not arrive"));
  EXPECT_THAT(all_that_is_shown(), Not(HasSubstr("hidden1")));
}

TEST_F(NotificationsTest, NothingIsLostWhereTheReceiverComesBackAndNothingIsToldTwiceOverARestart) {
  Receiver ops;
  ops.web().stop();
  configure(channel("ops", ops.url()));
  box.start();
  ASSERT_EQ(box.docktor("pause consumer").code, 0);
  server.stop();
  ASSERT_TRUE(eventually(
      [&] { return box.docktor("daemon status").out.find("do not arrive") != std::string::npos; }));
  configure(channel("ops", ops.url(), ", repeat: 1h"));
  ASSERT_EQ(box.docktor("daemon reload").code, 0);
  ops.web().start();
  ASSERT_TRUE(eventually([&] { return ops.has("cannot be read"); }));
  EXPECT_FALSE(ops.has("paused")) << "what a person wants is told only where it is asked for";
  const auto kept = [&] { return box.run("cat $(find . -name notifications.json)").out; };
  ASSERT_TRUE(eventually([&] { return kept().find("queue_unreachable") != std::string::npos; })) << kept();
  ASSERT_EQ(box.docktor("daemon stop").code, 0);
  box.start();
  server.start();
  ASSERT_TRUE(eventually([&] { return ops.has("over after"); }, std::chrono::minutes(2)));
  EXPECT_EQ(ops.titles().size(), 2U);
}

TEST_F(NotificationsTest, ChangesAndTheDaemonsOwnLifeWhereTheyAreAskedFor) {
  Receiver ops;
  box.write("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
  configure(
      channel("ops", ops.url(), ", events: [scaled, started, stopped, reload_refused], secret_file: key"));
  box.start();
  ASSERT_TRUE(eventually([&] { return ops.has("docktor was started"); }));
  ASSERT_EQ(box.docktor("scale consumer 3").code, 0);
  ASSERT_TRUE(eventually([&] { return ops.has("consumer: 1 → 3 replicas"); }));
  const auto one = ops.got().back();
  EXPECT_THAT(one.header("webhook-signature"), HasSubstr("v1,"));
  EXPECT_NE(one.header("webhook-id"), "");
  box.write("docktor.yaml", "services: 1\n");
  EXPECT_NE(box.docktor("daemon reload").code, 0);
  ASSERT_TRUE(eventually([&] { return ops.has("the configuration was refused"); }));
  ASSERT_EQ(box.docktor("daemon stop").code, 0);
  EXPECT_TRUE(ops.has("docktor was stopped"));
}

TEST_F(NotificationsTest, ATestMessageSaysWhatTheReceiverAnswers) {
  Receiver good, refuses({.status = 403, .body = "invalid_token"});
  configure(channel("good", good.url()) + channel("chat", good.url("slack")) + channel("bad", refuses.url()));
  const auto all = box.docktor("notify test");
  EXPECT_EQ(all.code, 1);
  EXPECT_THAT(all.out, HasSubstr("✓ good: json+http://127.0.0.1:"));
  EXPECT_THAT(all.out, HasSubstr("✗ bad: "));
  EXPECT_THAT(all.out, HasSubstr("invalid_token"));
  EXPECT_THAT(all.out, Not(HasSubstr("hidden1")));
  const auto one = box.docktor("notify test chat --json");
  EXPECT_EQ(one.code, 0);
  EXPECT_EQ(nlohmann::json::parse(one.out)["channels"][0]["taken"], true);
  EXPECT_THAT(good.got().back().body, HasSubstr("this is a test"));
  const auto slip = box.docktor("notify test goof");
  EXPECT_EQ(slip.code, 2);
  EXPECT_THAT(slip.out, HasSubstr("did you mean 'good'?"));
}

}  // namespace
}  // namespace docktor::test
