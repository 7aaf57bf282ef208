#include "queues/http/pointed_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queues/over_http/rfc3339.h"

namespace docktor {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string why(const char* document, const std::string& pointer) {
  const auto n = number_at(json::parse(document), "backlog", pointer);
  return n ? "it was taken" : n.error().message;
}

TEST(PointedFigures, ANumberOrATextThatIsOne) {
  const auto d = json::parse(R"({"a": {"b": 7, "c/d": "12", "e": [1, 2.5]}})");
  EXPECT_EQ(number_at(d, "backlog", "/a/b").value(), 7);
  EXPECT_EQ(number_at(d, "backlog", "/a/c~1d").value(), 12);
  EXPECT_EQ(number_at(d, "backlog", "/a/e/1").value(), 2.5);
  EXPECT_EQ(number_at(json(3), "backlog", "").value(), 3);
}

TEST(PointedFigures, AnythingElseIsNoDataAndSaysWhatIsThere) {
  EXPECT_THAT(why(R"({"queue": {"ready": 1, "busy": 2}})", "/queue/waiting"),
              HasSubstr("backlog: the answer has no /queue/waiting (/queue has busy, ready): no data"));
  EXPECT_THAT(why(R"({"queue": 5})", "/queue/waiting/x"), HasSubstr("(/queue is number)"));
  EXPECT_THAT(why(R"({})", "/a"), HasSubstr("(the answer is empty)"));
  EXPECT_THAT(why(R"([1])", "/01"), HasSubstr("has no /01"));
  EXPECT_THAT(why(R"({"a": null})", "/a"), HasSubstr("/a is null, and not a number"));
  EXPECT_THAT(why(R"({"a": true})", "/a"), HasSubstr("/a is boolean"));
  EXPECT_THAT(why(R"({"a": "many"})", "/a"), HasSubstr(R"(/a is the text "many")"));
  EXPECT_THAT(why(R"({"a": "NaN"})", "/a"), HasSubstr("no data"));
  EXPECT_THAT(why(R"({"a": -1})", "/a"), HasSubstr("backlog is negative"));
  EXPECT_THAT(why(R"({"a": "-1"})", "/a"), HasSubstr("backlog is negative"));
  EXPECT_THAT(why(R"({"a": 1e300})", "/a"), HasSubstr("larger than any count"));
  EXPECT_THAT(why(R"({"a": [1]})", "/a"), HasSubstr("/a is array"));
}

TEST(PointedFigures, TimesAreSecondsMillisecondsOrText) {
  const auto d = json::parse(R"({"s": 1700000000.5, "ms": 1700000000500, "t": "2023-11-14T22:13:20.5Z",
                                 "z": "2023-11-15T00:13:20+02:00", "w": "2023-11-14T20:13:20-02:00", "bad": "yesterday"})");
  EXPECT_EQ(instant_at(d, "as_of", "/s").value(), 1700000000.5);
  EXPECT_EQ(instant_at(d, "as_of", "/ms").value(), 1700000000.5);
  EXPECT_EQ(instant_at(d, "as_of", "/t").value(), 1700000000.5);
  EXPECT_EQ(instant_at(d, "as_of", "/z").value(), 1700000000);
  EXPECT_EQ(instant_at(d, "as_of", "/w").value(), 1700000000);
  EXPECT_FALSE(instant_at(d, "as_of", "/bad"));
  for (const auto* t :
       {"", "2023-11-14", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z", "2023-11-14T25:13:20Z",
        "2023-11-14T22:13:20+2", "2023-11-14T22:13:20+02:000", "2023-11-14T22:13:-1Z"})
    EXPECT_FALSE(parse_rfc3339(t)) << t;
}

TEST(PointedFigures, KnowsAPointer) {
  EXPECT_TRUE(is_pointer(""));
  EXPECT_TRUE(is_pointer("/a~1b/~0"));
  EXPECT_FALSE(is_pointer("a.b"));
  EXPECT_FALSE(is_pointer("/a~2"));
}

}  // namespace
}  // namespace docktor
