// The notifications block: what is refused, with the words, and what is never shown.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "config/effective.h"
#include "tests/config/test_files.h"

namespace docktor::notification_keys {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kService =
    "services:\n  - name: web\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n"
    "    rules: {scale_up_when: [{metric: cpu.avg, op: '>', value: 1}]}\n";

LoadResult load(const std::string& channels) {
  return load_text("notifications: [" + channels + "]\n" + kService);
}

std::string mistake(const std::string& channels) {
  const auto r = load(channels);
  return r.mistakes.size() == 1
             ? r.mistakes.front()
             : fmt::format("{} mistakes: {}", r.mistakes.size(), fmt::join(r.mistakes, " | "));
}

TEST(Notifications, TheLeastFileAndWhatIsShownOfIt) {
  const auto r = load(
      "{name: ops, url: 'slack://A/B/hidden1'}, {name: all, url: 'json+https://u:hidden1@h/hidden1', "
      "events: [usual, scaled], services: [web], repeat: 1h, hold_off: 0}");
  ASSERT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, "\n"));
  ASSERT_EQ(r.notifications.size(), 2U);
  EXPECT_EQ(r.notifications[0].hold_off, Duration(std::chrono::seconds(30)));
  EXPECT_TRUE(r.notifications[1].takes_event(kEvents[5]));
  const auto shown = effective_notifications(r.notifications).dump();
  EXPECT_THAT(shown, Not(HasSubstr("hidden1")));
  EXPECT_THAT(shown, HasSubstr("slack://***"));
  EXPECT_THAT(shown, HasSubstr("json+https://h/***"));
}

TEST(Notifications, WhatIsWrongIsSaidWhereItStands) {
  EXPECT_THAT(mistake("{name: ops}"), HasSubstr("url is missing"));
  EXPECT_THAT(mistake("{url: 'ntfys://h/t'}"), HasSubstr("name is missing"));
  EXPECT_THAT(mistake("{name: 'a b', url: 'ntfys://h/t'}"), HasSubstr("letters, digits"));
  EXPECT_THAT(mistake("{name: a, url: 'ntfys://h/t'}, {name: a, url: 'ntfys://h/u'}"),
              HasSubstr("names must differ"));
  EXPECT_THAT(mistake("{name: a, url: 'slak://x/hidden1'}"),
              testing::AllOf(HasSubstr("did you mean slack?"), HasSubstr(":1:"), Not(HasSubstr("hidden1"))));
  EXPECT_THAT(mistake("{name: a, url: 'ntfys://h/t', events: [latte]}"), HasSubstr("did you mean late?"));
  EXPECT_THAT(mistake("{name: a, url: 'ntfys://h/t', services: [webb]}"), HasSubstr("did you mean web?"));
  EXPECT_THAT(mistake("{name: a, url: 'ntfys://h/t', repeat: 1s}"), HasSubstr("at least 10s"));
  EXPECT_THAT(mistake("{name: a, url: 'heartbeat+https://h/t', events: [late]}"),
              HasSubstr("only that docktor lives"));
  EXPECT_THAT(mistake("{name: a, url: 'ntfys://h/t', evnts: [late]}"), HasSubstr("did you mean events?"));
}

TEST(Notifications, KeysAreReadFromAFileAndWrongOnesRefused) {
  const auto with = [](const std::string& text, const std::string& form = "json+https") {
    const TestFolder dir;
    const auto file = dir.write("key", text);
    return mistake(fmt::format("{{name: a, url: '{}://h/t', secret_file: '{}'}}", form, file));
  };
  constexpr auto kKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
  EXPECT_EQ(with(kKey), "0 mistakes: ");
  EXPECT_EQ(with(std::string(kKey) + kKey), "0 mistakes: ");
  EXPECT_THAT(with(kKey, "slack+https"), HasSubstr("only json and cloudevents are signed"));
  for (const char* bad : {"", "hello", "whsec_short", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!w"})
    EXPECT_THAT(with(bad), HasSubstr("secret_file must hold")) << bad;
}

TEST(Notifications, ThePageThatTheyLinkToIsOneOfTheNamesOfTheServer) {
  const auto with = [](const std::string& url) {
    return load_text("http: {public_url: '" + url + "'}\nnotifications: [{name: a, url: 'ntfys://h/t'}]\n" +
                     kService);
  };
  for (const auto& [url, page, name] :
       {std::tuple{"https://d.example.org/", "https://d.example.org", "d.example.org"},
        {"http://tools.lan:8080/docktor/", "http://tools.lan:8080/docktor", "tools.lan"},
        {"http://[::1]:3625", "http://[::1]:3625", "[::1]"}}) {
    const auto r = with(url);
    ASSERT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, "\n"));
    EXPECT_EQ(r.notifications.at(0).page, page);
    EXPECT_EQ(r.http.hosts, std::vector<std::string>{name});
    EXPECT_EQ(effective_http(r.http)["public_url"], page);
  }
  for (const char* wrong : {"d.example.org", "ftp://d", "https://", "https://ann:secret@d.org",
                            "https://d.org/?a=1", "https://d.org/#x", "https://d org"}) {
    const auto r = with(wrong);
    ASSERT_EQ(r.mistakes.size(), 1U) << wrong;
    EXPECT_THAT(r.mistakes[0], HasSubstr("public_url is not the address of a page")) << wrong;
    EXPECT_THAT(r.mistakes[0], Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace docktor::notification_keys
