#include "notify/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace docktor::notify {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

TEST(NotificationAddress, WhatPeoplePaste) {
  const auto slack = parse_address("slack://T0/B0/secretsecret");
  ASSERT_TRUE(slack);
  EXPECT_EQ(slack->base + slack->path, "https://hooks.slack.com/services/T0/B0/secretsecret");
  EXPECT_EQ(slack->shown, "slack://***");
  const auto copied = parse_address("https://hooks.slack.com/services/T0/B0/secretsecret");
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->form, Form::kSlack);
  EXPECT_EQ(copied->base + copied->path, slack->base + slack->path);
  const auto discord = parse_address("discord://tok-en_1@123");
  ASSERT_TRUE(discord);
  EXPECT_EQ(discord->base + discord->path, "https://discord.com/api/webhooks/123/tok-en_1");
  const auto ntfy = parse_address("ntfys://ann:pass%40@ntfy.example:8443/sub/alerts");
  ASSERT_TRUE(ntfy);
  EXPECT_EQ(ntfy->base, "https://ntfy.example:8443");
  EXPECT_EQ(ntfy->path, "/sub/");
  EXPECT_EQ(ntfy->topic, "alerts");
  EXPECT_EQ(ntfy->authorization, "Basic YW5uOnBhc3NA");
  EXPECT_EQ(parse_address("ntfy://h/t")->base, "http://h");
  EXPECT_EQ(parse_address("https://ntfy.sh/t")->topic, "t");
  const auto json = parse_address("json+http://u:p@127.0.0.1:8080/hook?key=abc");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->path, "/hook?key=abc");
  EXPECT_EQ(json->shown, "json+http://127.0.0.1:8080/***");
  EXPECT_EQ(parse_address("alertmanager+http://am:9093")->path, "/api/v2/alerts");
  EXPECT_EQ(parse_address("alertmanager+http://am:9093/x/api/v2/alerts")->path, "/x/api/v2/alerts");
  EXPECT_EQ(parse_address("slack+https://mattermost.example/hooks/abc")->form, Form::kSlack);
}

TEST(NotificationAddress, WhatIsWrongIsSaidAndNothingOfItRepeated) {
  for (const char* url :
       {"", "https://example.org/hidden1", "slack://hidden1/b", "discord://hidden1", "ntfys://host",
        "ntfys://host/hidden1?x=1", "json://hidden1", "jsom+https://hidden1", "hidden1",
        "slack://a/b/hidden1 x", "slack://a/b/hidden1%2f", "json+ftp://hidden1", "json+https://"}) {
    const auto a = parse_address(url);
    ASSERT_FALSE(a) << url;
    EXPECT_THAT(a.error().message, Not(HasSubstr("hidden1"))) << url;
    EXPECT_FALSE(a.error().message.empty()) << url;
  }
  EXPECT_THAT(parse_address("jsom+https://h/x").error().message, HasSubstr("did you mean json?"));
  EXPECT_THAT(parse_address("https://example.org/x").error().message, HasSubstr("json+https://"));
  EXPECT_THAT(parse_address("ntfys://host").error().message, HasSubstr("topic"));
}

TEST(NotificationAddress, ThePageNamesEachFormAndEachEvent) {
  std::ifstream file(DOCKTOR_SOURCE_DIR "/docs/notifications.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const auto& f : forms()) {
    EXPECT_THAT(page,
                AnyOf(HasSubstr(std::string(f.name) + "+http"), HasSubstr(std::string(f.name) + "://")));
  }
  for (const auto& e : all_events()) {
    const auto row = std::string("| `") + std::string(e.name) + "` | " + (e.usual ? "yes" : "") + " | " +
                     std::string(e.words) + " |";
    EXPECT_NE(page.find(row), std::string::npos) << "write this row into docs/notifications.md: " << row;
  }
}

TEST(NotificationAddress, AHeartbeatTellsOfNothing) {
  const auto t = receiver_traits("heartbeat+https://hc.example/ping/hidden");
  ASSERT_TRUE(t);
  EXPECT_FALSE(t->tells);
  EXPECT_EQ(t->shown, "heartbeat+https://hc.example/***");
  EXPECT_TRUE(receiver_traits("json+https://h/x")->signs);
  EXPECT_FALSE(receiver_traits("slack://a/b/c")->signs);
}

}  // namespace
}  // namespace docktor::notify
