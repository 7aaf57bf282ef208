#include "queues/prometheus/instant_answer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace docktor {
namespace {

using ::testing::HasSubstr;

std::string vector(const std::string& result, const std::string& more = {}) {
  return fmt::format(R"({{"status":"success",{}"data":{{"resultType":"vector","result":[{}]}}}})", more,
                     result);
}
std::string series(const std::string& value, const std::string& labels = "{}") {
  return fmt::format(R"({{"metric":{},"value":[1700000000.25,{}]}})", labels, value);
}
std::string why(const std::string& answer) {
  const auto v = parse_instant(answer);
  return v ? "it was taken" : v.error().message;
}

TEST(InstantAnswer, OneValueOfAVectorOrAScalar) {
  const auto v = parse_instant(vector(series(R"("7.5")")));
  ASSERT_TRUE(v && *v);
  EXPECT_EQ((*v)->value, 7.5);
  EXPECT_EQ((*v)->at, "1700000000.25");
  const auto s = parse_instant(R"({"status":"success","data":{"resultType":"scalar","result":[1,"1e3"]}})");
  ASSERT_TRUE(s && *s);
  EXPECT_EQ((*s)->value, 1000);
  EXPECT_TRUE(std::isnan((*parse_instant(vector(series(R"("NaN")"))))->value));
  EXPECT_TRUE(std::isinf((*parse_instant(vector(series(R"("+Inf")"))))->value));
}

TEST(InstantAnswer, AnEmptyVectorIsNoValue) {
  const auto v = parse_instant(vector(""));
  ASSERT_TRUE(v);
  EXPECT_FALSE(*v);
}

TEST(InstantAnswer, WhateverElseIsNoValueAndSaysWhy) {
  EXPECT_THAT(
      why(vector(series(R"("1")", R"({"pod":"a"})") + "," + series(R"("2")", R"({"pod":"b"})"))),
      testing::AllOf(HasSubstr("is 2 series"), HasSubstr(R"({"pod":"a"})"), HasSubstr("wrap it in sum()")));
  EXPECT_THAT(why(vector(series(R"("1")"), R"("warnings":["store down"],)")),
              HasSubstr("partial answer: store down"));
  // Versions from 2.48 to 2.53 put notes on how a query is written there.
  const auto noted = parse_instant(
      vector(series(R"("1")"), R"("warnings":["PromQL info: metric might not be a counter, \"a\""],)"));
  ASSERT_TRUE(noted && *noted);
  EXPECT_EQ((*noted)->value, 1);
  EXPECT_THAT(why(vector(series(R"("1")"), R"("warnings":["PromQL info: x", "store down"],)")),
              HasSubstr("partial answer: store down"));
  EXPECT_THAT(why(R"({"status":"error","errorType":"bad_data","error":"parse error"})"),
              HasSubstr("parse error"));
  EXPECT_THAT(why(R"({"status":"success","data":{"resultType":"matrix","result":[]}})"),
              HasSubstr("is a matrix"));
  for (const auto* bad :
       {"", "[]", "<html>", "{}", R"({"status":"success"})", R"({"status":"success","data":[]})",
        R"({"status":"success","data":{"resultType":"vector","result":{}}})"})
    EXPECT_THAT(why(bad), HasSubstr("not Prometheus's")) << bad;
  for (const auto* bad : {"7", R"("0x10")", R"("seven")", "null", R"("")"})
    EXPECT_THAT(why(vector(series(bad))), HasSubstr("not Prometheus's")) << bad;
}

TEST(InstantAnswer, TellsAVersionOrNone) {
  EXPECT_EQ(version_in(R"({"status":"success","data":{"version":"2.42.0"}})"), "2.42.0");
  for (const auto* other : {"", "[]", "{}", R"({"data":[]})", R"({"data":"2"})", R"({"data":{"version":2}})"})
    EXPECT_EQ(version_in(other), "") << other;
}

TEST(InstantAnswer, KnowsASelectorFromAnExpression) {
  for (const auto* q : {"jobs", "app:jobs:waiting", R"(jobs{queue="a}b"})", "{__name__='jobs'}",
                        R"(jobs{a="\"}"})", "jobs\n", " jobs {a='x'}"})
    EXPECT_TRUE(is_selector(q)) << q;
  for (const auto* q :
       {"", "sum(jobs)", "1", "jobs + 1", "jobs[1m]", "a{b='c'} - a{b='d'}", "jobs{a='x", "jobs offset 1m"})
    EXPECT_FALSE(is_selector(q)) << q;
}

}  // namespace
}  // namespace docktor
