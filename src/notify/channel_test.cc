#include "notify/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "core/record.h"
#include "notify/test_sight.h"

namespace docktor::notify {
namespace {

using nlohmann::json;
using test::at;
using test::figures;
using test::sight;
using test::unreachable;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A channel, the time, and a receiver whose answers the test gives.
struct Stage {
  explicit Stage(const std::string& url = "json+http://h/x", ChannelSpec s = {}) : spec(std::move(s)) {
    spec.name = "ops";
    spec.url = Secret{url};
    channel.emplace(spec, *parse_address(url), Sender{"host1", "/etc/d.yaml"}, "run", 1U);
  }

  // Looks and sends once a second until `until`; the receiver answers at once.
  void run(double until, const std::vector<ServiceFigures>& services, const std::string& reload_error = {}) {
    for (; now < until; ++now) {
      channel->look(sight(now, services, reload_error));
      send();
    }
  }
  void send() {
    if (auto r = channel->due(at(now), true, by_wall)) {
      sent.push_back(*r);
      times.push_back(now);
      if (!hangs) channel->answered(answer, at(now));
    }
  }
  std::vector<std::string> titles() const {
    std::vector<std::string> all;
    for (const auto& r : sent) all.push_back(json::parse(r.body)["title"]);
    return all;
  }

  ChannelSpec spec;
  std::optional<Channel> channel;
  double now = 0;
  Result<HttpResponse> answer = HttpResponse{200, {}, {}};
  bool hangs = false;
  Duration by_wall{};
  std::vector<HttpRequest> sent;
  std::vector<double> times;
};

TEST(NotificationChannel, OnceWhenItBeginsAndOnceWhenItEnds) {
  Stage s;
  s.run(600, {figures("a", unreachable())});
  s.run(1200, {figures("a")});
  EXPECT_THAT(s.titles(), ElementsAre("a: the queue cannot be read",
                                      "a: over after 9 min 59 s: the queue cannot be read"));
  EXPECT_EQ(s.times, (std::vector<double>{30, 629}));
  const auto first = json::parse(s.sent[0].body);
  EXPECT_EQ(first["version"], 1);
  EXPECT_EQ(first["host"], "host1");
  EXPECT_EQ(first["events"][0]["service"], "a");
  EXPECT_EQ(first["events"][0]["event"], "queue_unreachable");
  EXPECT_EQ(first["events"][0]["phase"], "begin");
  EXPECT_EQ(first["events"][0]["queue"], "nats://h (S/C)");
  EXPECT_EQ(first["events"][0]["observations"]["replicas.ready"], 3);
  EXPECT_EQ(json::parse(s.sent[1].body)["events"][0]["seconds"], 599);
}

TEST(NotificationChannel, TimesAreThoseOfClocksOnTheWall) {
  Stage s;
  s.by_wall = std::chrono::hours(3);
  s.run(600, {figures("a", unreachable())});
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_EQ(json::parse(s.sent[0].body)["events"][0]["time"], utc_seconds(at(30) + s.by_wall));
}

TEST(NotificationChannel, RepeatsWhereItIsAskedTo) {
  ChannelSpec spec;
  spec.repeat = std::chrono::minutes(5);
  Stage s("json+http://h/x", spec);
  s.run(700, {figures("a", unreachable())});
  EXPECT_EQ(s.times, (std::vector<double>{30, 330, 630}));
  EXPECT_EQ(s.titles()[1], "a: for 5 min 30 s now: the queue cannot be read");
}

TEST(NotificationChannel, TriesAgainMoreAndMoreSlowlyWithTheSameId) {
  Stage s;
  s.answer = HttpResponse{500, {}, "down"};
  s.run(6000, {figures("a", unreachable())});
  ASSERT_EQ(s.times.size(), 6U);
  const double waits[] = {5, 30, 120, 600, 3600};
  std::set<std::string> ids;
  for (std::size_t i = 1; i < s.times.size(); ++i) {
    EXPECT_NEAR(s.times[i] - s.times[i - 1], waits[i - 1], 0.2 * waits[i - 1] + 1) << i;
    ids.insert(json::parse(s.sent[i].body)["id"].get<std::string>());
  }
  EXPECT_EQ(ids.size(), 1U);
  const auto f = s.channel->figures();
  EXPECT_EQ(f.failures, 6U);
  EXPECT_EQ(f.dropped, 1U);
  EXPECT_THAT(f.trouble, HasSubstr("HTTP 500"));
  const auto notes = s.channel->take_notes();
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[1].text, "ops: given up after 6 tries: a: the queue cannot be read");
}

TEST(NotificationChannel, WaitsAsLongAsTheReceiverWants) {
  Stage s;
  s.answer = HttpResponse{429, {{"retry-after", "100"}}, ""};
  s.run(40, {figures("a", unreachable())});
  s.answer = HttpResponse{200, {}, {}};
  s.run(200, {figures("a", unreachable())});
  EXPECT_EQ(s.times, (std::vector<double>{30, 130}));
  EXPECT_EQ(s.channel->figures().trouble, "");
  EXPECT_EQ(s.channel->figures().sent, 1U);
}

TEST(NotificationChannel, WhatHappensWhileAReceiverIsAwayIsToldWhenItIsBack) {
  Stage s("slack+http://h/x");
  s.hangs = true;
  s.run(100, {figures("a", unreachable()), figures("b")});
  ASSERT_EQ(s.sent.size(), 1U);
  s.run(200, {figures("a"), figures("b", unreachable())});
  s.hangs = false;
  s.channel->answered(fail(ErrorCode::kTimeout, "timeout", true), at(s.now));
  s.run(300, {figures("a"), figures("b", unreachable())});
  ASSERT_EQ(s.sent.size(), 3U);
  const auto text = json::parse(s.sent[2].body)["text"].get<std::string>();
  EXPECT_THAT(text, HasSubstr("✓ a: over after"));
  EXPECT_THAT(text, HasSubstr("⚠ b: the queue cannot be read"));
}

TEST(NotificationChannel, AReceiverThatIsGoneGetsNothingUntilAReload) {
  Stage s;
  s.answer = HttpResponse{410, {}, ""};
  s.run(100, {figures("a", unreachable())});
  s.run(200, {figures("a", unreachable()), figures("b", unreachable())});
  EXPECT_EQ(s.sent.size(), 1U);
  s.answer = HttpResponse{200, {}, {}};
  s.channel->change(s.spec, *parse_address(s.spec.url.value), at(s.now));
  s.run(210, {figures("a", unreachable()), figures("b", unreachable())});
  EXPECT_THAT(s.titles(), ElementsAre("a: the queue cannot be read", "b: the queue cannot be read"));
}

TEST(NotificationChannel, NothingIsLostOverAReloadToAnotherAddress) {
  Stage s;
  s.hangs = true;
  s.run(100, {figures("a", unreachable())});
  auto moved = s.spec;
  moved.url = Secret{"json+http://other/y"};
  s.channel->change(moved, *parse_address(moved.url.value), at(s.now));
  s.hangs = false;
  s.run(200, {figures("a", unreachable())});
  ASSERT_EQ(s.sent.size(), 2U);
  EXPECT_EQ(s.sent[1].path, "/y");
  EXPECT_EQ(s.titles()[1], "a: the queue cannot be read");
}

TEST(NotificationChannel, WhatArrivedIsNotToldAgainAfterARestart) {
  Stage before;
  before.run(60, {figures("a", unreachable()), figures("b", unreachable())});
  const auto told = before.channel->told();
  EXPECT_EQ(told.size(), 2U);
  Stage after;
  after.now = 70;
  after.channel->restore(told, at(70));
  after.run(200, {figures("a", unreachable()), figures("b")});
  EXPECT_THAT(after.titles(), ElementsAre(HasSubstr("b: over after")));
  Stage rubbish;
  rubbish.channel->restore(json::parse(R"([1, {"service": 1}, {"service":"a","event":"nonsense","since":0},
                                        {"service":"a","event":"late","since":"x"}])"),
                           at(0));
  rubbish.channel->restore(json("x"), at(0));
  rubbish.run(100, {figures("a")});
  EXPECT_TRUE(rubbish.sent.empty());
}

TEST(NotificationChannel, AThousandServicesAtOnceAreToldInFewMessagesAndNoneIsLost) {
  Stage s;
  std::vector<ServiceFigures> many;
  for (int i = 0; i < 1000; ++i) many.push_back(figures("s" + std::to_string(i), unreachable()));
  s.run(90, many);
  std::set<std::string> told;
  for (const auto& r : s.sent) {
    const auto body = json::parse(r.body);
    for (const auto& e : body["events"]) told.insert(e["service"].get<std::string>());
  }
  EXPECT_EQ(told.size(), 1000U);
  EXPECT_LE(s.sent.size(), 25U);
  EXPECT_EQ(s.channel->figures().dropped, 0U);
}

TEST(NotificationChannel, TheOldestOfWhatOnlyHappensGivesWay) {
  ChannelSpec spec;
  spec.events = {"scaled"};
  Stage s("json+http://h/x", spec);
  s.hangs = true;
  for (int i = 0; i < 400; ++i) {
    auto look = sight(i, {figures("a")});
    look.notes.push_back({static_cast<std::uint64_t>(i), "a", "id-" + std::to_string(i), "backlog", "done",
                          at(i), Action::kScaleUp, 1, 2});
    s.channel->look(look);
    s.now = i;
    s.send();
  }
  EXPECT_EQ(s.channel->figures().dropped, 400 - 1 - Channel::kMostWaiting);
  ASSERT_EQ(s.sent.size(), 1U);
  EXPECT_EQ(json::parse(s.sent[0].body)["events"][0]["decision"], "id-0");
}

TEST(NotificationChannel, AHeartbeatIsSilentWhenTheLoopIs) {
  Stage s("heartbeat+http://h/ping");
  s.run(181, {figures("a", unreachable())});
  EXPECT_EQ(s.times, (std::vector<double>{0, 60, 120, 180}));
  EXPECT_EQ(s.sent[0].method, "GET");
  EXPECT_FALSE(s.channel->due(at(300), false));
}

TEST(NotificationChannel, EachFormAndItsLimits) {
  auto f = figures("a", {{Condition::kProblem, std::string(9000, 'x') + "<!channel> & \xff"}});
  for (const char* url : {"slack+http://h/x", "discord+http://h/x", "ntfy://h/topic",
                          "cloudevents+http://h/x", "alertmanager+http://h", "json+http://h/x"}) {
    Stage s(url);
    s.run(35, {f});
    ASSERT_EQ(s.sent.size(), 1U) << url;
    const auto j = json::parse(s.sent[0].body);
    const std::string form = url;
    if (form.starts_with("slack")) {
      EXPECT_LE(j["blocks"][0]["text"]["text"].get<std::string>().size(), 3000U);
      EXPECT_THAT(s.sent[0].body, Not(HasSubstr("<!")));
    } else if (form.starts_with("discord")) {
      EXPECT_LE(j["content"].get<std::string>().size(), 2000U);
      EXPECT_EQ(j["allowed_mentions"]["parse"], json::array());
    } else if (form.starts_with("ntfy")) {
      EXPECT_EQ(s.sent[0].path, "/");
      EXPECT_EQ(j["topic"], "topic");
      EXPECT_EQ(j["priority"], 4);
      EXPECT_LE(j["message"].get<std::string>().size(), 4096U);
    } else if (form.starts_with("cloudevents")) {
      EXPECT_EQ(j["specversion"], "1.0");
      EXPECT_EQ(j["type"], "docktor.problem.begin");
      EXPECT_EQ(j["subject"], "a");
      EXPECT_EQ(s.sent[0].content_type, "application/cloudevents+json");
    } else if (form.starts_with("alertmanager")) {
      EXPECT_EQ(j[0]["labels"]["alertname"], "DocktorProblem");
      EXPECT_FALSE(j[0].contains("endsAt"));
      s.run(100, {f});
      EXPECT_EQ(s.sent.size(), 2U) << "Alertmanager forgets what is not repeated";
    }
  }
}

// The example of the Standard Webhooks specification.
TEST(NotificationChannel, SignsAsTheStandardDoes) {
  HttpRequest r{.body = R"({"test": 2432232314})"};
  sign(r, {Secret{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}, "msg_p5jXN8AQM9LWM0D4loKWxJek",
       time_at(1614265330));
  EXPECT_THAT(r.headers,
              ElementsAre("webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp: 1614265330",
                          "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

// Who is told at night wants one touch to the page.
TEST(NotificationChannel, LinksToThePageOfTheServiceWhereItIsKnown) {
  const std::pair<const char*, const char*> forms[] = {{"json+http://h/x", "/url"},
                                                       {"json+http://h/x", "/events/0/url"},
                                                       {"cloudevents+http://h/x", "/data/url"},
                                                       {"ntfy://h/topic", "/click"},
                                                       {"alertmanager+http://h", "/0/generatorURL"},
                                                       {"slack://A/B/C", "/blocks/1/elements/0/text"},
                                                       {"discord://T@1", "/content"}};
  for (const auto& [url, where] : forms) {
    ChannelSpec spec;
    spec.page = "https://d.example.org/x";
    Stage with(url, spec), without(url);
    for (auto* s : {&with, &without}) {
      s->run(60, {figures("a b", unreachable())});
      ASSERT_EQ(s->sent.size(), 1U) << url;
    }
    const json::json_pointer at(where);
    EXPECT_THAT(json::parse(with.sent[0].body).at(at).get<std::string>(),
                HasSubstr("https://d.example.org/x/#s=a%20b"))
        << url;
    EXPECT_THAT(without.sent[0].body, Not(HasSubstr("#s="))) << url;
  }
  ChannelSpec spec;
  spec.page = "https://d.example.org";
  Stage several("json+http://h/x", spec);
  several.run(60, {figures("a", unreachable()), figures("b", unreachable())});
  EXPECT_EQ(json::parse(several.sent[0].body)["url"], "https://d.example.org/");
  EXPECT_EQ(json::parse(several.sent[0].body)["events"][1]["url"], "https://d.example.org/#s=b");
}

// Of several docktors one tells.

TEST(NotificationChannel, AFollowerTellsNothingAndWhatBeganWhileNobodyLedIsToldByWhoeverLeadsNext) {
  Stage s;
  s.channel->follow();
  s.run(600, {figures("a", unreachable())});
  EXPECT_TRUE(s.sent.empty());
  s.channel->tell("stopped", "pid 1", at(s.now));  // nobody was asked for it
  s.channel->lead(json::array(), at(s.now));
  s.run(602, {figures("a", unreachable())});
  EXPECT_THAT(s.titles(), ElementsAre("a: the queue cannot be read"));
  EXPECT_EQ(json::parse(s.sent[0].body)["events"][0]["seconds"], 600) << "since when it is known here";
}

TEST(NotificationChannel, WhatTheOneBeforeHasToldIsNotToldAgainButItsEnd) {
  Stage one, next;
  next.channel->follow();
  one.run(100, {figures("a", unreachable()), figures("b", unreachable())});
  next.run(100, {figures("a", unreachable()), figures("b", unreachable())});
  ASSERT_EQ(one.sent.size(), 1U);
  one.channel->follow();
  next.channel->lead(one.channel->told(), at(next.now));
  next.run(200, {figures("a", unreachable()), figures("b")});
  EXPECT_THAT(next.titles(), ElementsAre("b: over after 1 min 39 s: the queue cannot be read"));
  next.run(400, {figures("a"), figures("b")});
  EXPECT_EQ(next.titles().size(), 2U);
  // The one before hears of it when it leads again.
  one.run(400, {figures("a"), figures("b")});
  one.channel->lead(next.channel->told(), at(one.now));
  one.run(600, {figures("a"), figures("b")});
  EXPECT_EQ(one.titles().size(), 1U);
}

TEST(NotificationChannel, OneThatHasJustStartedTakesUpWhatWasTold) {
  Stage one, next;
  one.run(100, {figures("a", unreachable())});
  next.now = 100;
  next.channel->lead(one.channel->told(), at(next.now));
  next.run(110, {figures("a")});
  EXPECT_TRUE(next.sent.empty()) << "it may only not be known here yet";
  next.run(200, {figures("a")});
  EXPECT_EQ(next.titles().size(), 1U);
}

TEST(NotificationChannel, WhatDidNotArriveIsForTheNextToTell) {
  Stage one, next;
  next.channel->follow();
  one.answer = HttpResponse{503, {}, {}};
  for (auto* s : {&one, &next}) s->run(40, {figures("a", unreachable())});
  ASSERT_EQ(one.sent.size(), 2U);
  one.channel->follow();
  EXPECT_FALSE(one.channel->waits());
  next.channel->lead(one.channel->told(), at(next.now));
  next.run(42, {figures("a", unreachable())});
  EXPECT_THAT(next.titles(), ElementsAre("a: the queue cannot be read"));
  // And an end.
  next.answer = one.answer;
  for (auto* s : {&one, &next}) s->run(100, {figures("a")});
  ASSERT_GT(next.sent.size(), 1U);
  one.answer = HttpResponse{200, {}, {}};
  one.channel->lead(next.channel->told(), at(one.now));
  one.run(200, {figures("a")});
  EXPECT_THAT(one.titles().back(), HasSubstr("a: over after"));
}

TEST(NotificationChannel, RubbishThatWasLeftTellsNothing) {
  Stage s;
  for (const auto* told : {"7", "null", R"([1, {"service": "a\u001b[2J", "event": "late", "since": 1}])",
                           R"([{"service": "a", "event": "nothing", "since": -1}])"})
    s.channel->lead(json::parse(told), at(s.now));
  s.run(100, {figures("a")});
  EXPECT_TRUE(s.sent.empty());
}

}  // namespace
}  // namespace docktor::notify
