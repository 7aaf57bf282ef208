#include "queues/sqs/queue_attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace docktor {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json attributes() {
  return {{"ApproximateNumberOfMessages", "7"},
          {"ApproximateNumberOfMessagesNotVisible", "2"},
          {"ApproximateNumberOfMessagesDelayed", "1"},
          {"VisibilityTimeout", "30"},
          {"CreatedTimestamp", "1700000000"}};
}
Result<QueueAttributes> parse(const json& a) {
  return parse_attributes({200, {}, json{{"Attributes", a}}.dump()});
}

TEST(SqsAttributes, AreTexts) {
  auto a = attributes();
  a["RedrivePolicy"] = R"({"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:12:dead","maxReceiveCount":"3"})";
  const auto q = parse(a);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->visible, 7u);
  EXPECT_EQ(q->not_visible, 2u);
  EXPECT_EQ(q->delayed, 1u);
  EXPECT_EQ(q->visibility_timeout, Duration(std::chrono::seconds(30)));
  EXPECT_EQ(q->created, "1700000000");
  EXPECT_EQ(q->max_receives, 3);
  EXPECT_EQ(url_of_arn(q->dead_letter_queue, "https://sqs.eu-west-1.amazonaws.com"),
            "https://sqs.eu-west-1.amazonaws.com/12/dead");
  EXPECT_EQ(url_of_arn("dead", "http://h"), "");
}

TEST(SqsAttributes, OneThatIsAbsentOrNoCountIsNoDataAndNever0) {
  for (const auto* key : {"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                          "ApproximateNumberOfMessagesDelayed", "VisibilityTimeout"}) {
    auto a = attributes();
    a.erase(key);
    EXPECT_THAT(parse(a).error().message, HasSubstr(std::string("does not tell ") + key + ": no data"));
    for (const json& bad : {json("-1"), json("x"), json(""), json("1.5"), json(nullptr),
                            json("99999999999999999999"), json(-1)}) {
      a[key] = bad;
      ASSERT_FALSE(parse(a)) << key << bad;
      EXPECT_THAT(parse(a).error().message, HasSubstr(key)) << bad;
      EXPECT_EQ(parse(a).error().code, ErrorCode::kUnavailable);
    }
  }
  EXPECT_FALSE(parse_attributes({200, {}, "{}"}));
  EXPECT_FALSE(parse_attributes({200, {}, R"({"Attributes": []})"}));
  EXPECT_FALSE(parse_attributes({200, {}, "<html>"}));
}

TEST(SqsAttributes, ErrorsAreToldApart) {
  const auto code = [](int status, const char* type) {
    return parse_attributes({status, {}, json{{"__type", type}, {"message", "why"}}.dump()}).error().code;
  };
  EXPECT_EQ(code(400, "com.amazonaws.sqs#QueueDoesNotExist"), ErrorCode::kNotFound);
  EXPECT_EQ(code(400, "AWS.SimpleQueueService.NonExistentQueue"), ErrorCode::kNotFound);
  EXPECT_EQ(code(403, "com.amazon.coral.service#AccessDeniedException"), ErrorCode::kDenied);
  EXPECT_EQ(code(400, "InvalidSignatureException"), ErrorCode::kDenied);
  EXPECT_EQ(code(403, "com.amazon.coral.service#ExpiredTokenException"), ErrorCode::kDenied);
  EXPECT_EQ(code(500, "InternalFailure"), ErrorCode::kUnavailable);
  EXPECT_EQ(parse_attributes({503, {}, "<html>"}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace docktor
