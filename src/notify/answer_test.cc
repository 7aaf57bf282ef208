#include "notify/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docktor::notify {
namespace {

using testing::HasSubstr;
using testing::Not;
using What = Verdict::What;

Verdict of(int status, const std::string& body = {}, std::map<std::string, std::string> headers = {}) {
  return judge(HttpResponse{status, std::move(headers), body}, time_at(1'000'000), "/services/T0/verysecret");
}

TEST(NotificationAnswer, WhatIsTriedAgainAndWhatIsNot) {
  for (const int s : {200, 202, 204}) EXPECT_EQ(of(s).what, What::kTaken) << s;
  for (const int s : {408, 429, 500, 502, 503}) EXPECT_EQ(of(s).what, What::kLater) << s;
  for (const int s : {301, 302, 400, 401, 403, 404, 413, 422}) EXPECT_EQ(of(s).what, What::kRefused) << s;
  EXPECT_EQ(of(410).what, What::kGone);
  EXPECT_THAT(of(410).why, HasSubstr("docktor daemon reload"));
  EXPECT_EQ(judge(fail(ErrorCode::kTimeout, "slow", true), {}, "").what, What::kLater);
  EXPECT_EQ(judge(fail(ErrorCode::kDenied, "TLS", false), {}, "").what, What::kRefused);
}

TEST(NotificationAnswer, HowLongTheReceiverWantsUsToWait) {
  EXPECT_EQ(of(429, "", {{"retry-after", "120"}}).wait, seconds(120));
  EXPECT_EQ(of(503, "", {{"retry-after", "Mon, 12 Jan 1970 13:47:40 GMT"}}).wait, seconds(60));
  EXPECT_EQ(of(429, R"({"message": "limited", "retry_after": 0.75, "global": false})").wait, seconds(0.75));
  EXPECT_EQ(of(429, "", {{"retry-after", "99999999"}}).wait, Duration(kLongestWait));
  for (const char* rubbish : {"-5", "soon", "", "1e999", "nan"})
    EXPECT_EQ(of(429, "", {{"retry-after", rubbish}}).wait, std::nullopt) << rubbish;
  EXPECT_EQ(of(429, R"({"retry_after": -1})").wait, std::nullopt);
  EXPECT_EQ(of(429, R"([{"retry_after": 1}])").wait, std::nullopt);
}

TEST(NotificationAnswer, ItsWordsAreToldUnlessTheyHoldTheAddress) {
  EXPECT_THAT(of(400, "invalid_payload\n").why, HasSubstr("HTTP 400, \"invalid_payload\""));
  EXPECT_THAT(of(400, "no such hook verysecret").why, Not(HasSubstr("verysecret")));
  EXPECT_THAT(of(500, "<html><body>oops").why, Not(HasSubstr("html")));
  EXPECT_THAT(of(400, "a\x1b[31mb").why, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace docktor::notify
