// The parser of a model's answers: what it takes, and all that it refuses.
#include "llm/advice_text.h"

#include <gtest/gtest.h>

namespace docktor::llm {
namespace {

using namespace std::chrono_literals;

TEST(ParseAdvice, TakesTheAnswersThatBelongToTheQuestion) {
  EXPECT_EQ(parse_advice(R"({"action":"agree","delay_seconds":0,"reason":"calm"})", true)->kind,
            AdviceKind::kAgree);
  const auto delay =
      parse_advice(R"( {"action":"delay","delay_seconds":30,"reason":"a burst comes"} )", true);
  ASSERT_TRUE(delay);
  EXPECT_EQ(delay->kind, AdviceKind::kDelay);
  EXPECT_EQ(delay->delay, 30s);
  EXPECT_EQ(delay->reason, "a burst comes");
  EXPECT_EQ(parse_advice(R"({"action":"cancel","reason":"x"})", true)->kind, AdviceKind::kCancel);
  const auto add = parse_advice(R"({"action":"add","replicas":7,"reason":"x"})", false);
  ASSERT_TRUE(add);
  EXPECT_EQ(add->replicas, 7);
}

TEST(ParseAdvice, RefusesEverythingElse) {
  for (const char* text : {
           "",
           "not JSON",
           "null",
           "[]",
           "\"agree\"",
           "{}",
           R"({"action":"agree"} trailing)",
           R"({"action":"agree"}{"action":"agree"})",
           R"(```json {"action":"agree"} ```)",
           R"({"action":"scale","reason":"x"})",
           R"({"action":"withdraw","reason":"x"})",
           R"({"action":"add","replicas":3,"reason":"x"})",  // not for a scale-down
           R"({"action":1})",
           R"({"action":null})",
           R"({"action":"agree","target_replicas":0})",
           R"({"action":"delay","reason":"x"})",
           R"({"action":"delay","delay_seconds":"3","reason":"x"})",
           R"({"action":"delay","delay_seconds":3.5,"reason":"x"})",
           R"({"action":"delay","delay_seconds":1e-465794991481644,"reason":"x"})",
           R"({"action":"delay","delay_seconds":1e999,"reason":"x"})",
           R"({"action":"delay","delay_seconds":-1,"reason":"x"})",
           R"({"action":"delay","delay_seconds":86401,"reason":"x"})",
           R"({"action":"delay","delay_seconds":18446744073709551615,"reason":"x"})",
           R"({"action":"delay","delay_seconds":true,"reason":"x"})",
           R"({"action":"delay","delay_seconds":[3],"reason":"x"})",
           R"({"action":"delay","delay_seconds":3})",
           R"({"action":"cancel","reason":7})",
           R"({"action":"agree","action":"cancel","reason":"x"})",
           R"({"action":"agree","reason":{"a":{"b":{"c":{"d":1}}}}})",
           "{\"action\":\"agree\",\"reason\":\"\xff\"}",
       }) {
    const auto r = parse_advice(text, true);
    EXPECT_FALSE(r) << text;
    if (!r) {
      EXPECT_EQ(r.error().code, ErrorCode::kInvalid) << text;
    }
  }
  EXPECT_FALSE(parse_advice(R"({"action":"cancel","reason":"x"})", false));
  EXPECT_FALSE(parse_advice(R"({"action":"add","replicas":"3","reason":"x"})", false));
  EXPECT_FALSE(parse_advice(R"({"action":"add","replicas":-3,"reason":"x"})", false));
  EXPECT_FALSE(parse_advice(R"({"action":"add","replicas":1e-465794991481644,"reason":"x"})", false));
  EXPECT_FALSE(parse_advice(R"({"action":"add","replicas":1000001,"reason":"x"})", false));
  EXPECT_FALSE(parse_advice(std::string(kMaxAnswer + 1, ' '), true));
  EXPECT_FALSE(parse_advice(std::string(10'000, '['), true));
}

TEST(ParseAdvice, AReasonIsOnePrintableLineOfBoundedLength) {
  const auto a = parse_advice("{\"action\":\"cancel\",\"reason\":\"\\u001b[2Jline\\nnext\\u202e \\u0085" +
                                  std::string(1000, 'x') + "\"}",
                              true);
  ASSERT_TRUE(a);
  EXPECT_LE(a->reason.size(), kMaxAdviceReason);
  EXPECT_TRUE(a->reason.starts_with("[2Jline next")) << a->reason;
  for (const unsigned char c : a->reason) EXPECT_TRUE(c >= 0x20 && c != 0x7f);
}

TEST(OneLine, KeepsWholeCharacters) {
  EXPECT_EQ(one_line("héllo → wörld", 300), "héllo → wörld");
  EXPECT_EQ(one_line("aé", 2), "a");
  EXPECT_EQ(one_line("\xff\xfe", 300), "��");
  EXPECT_EQ(one_line(" \t\r\n ", 300), "");
}

}  // namespace
}  // namespace docktor::llm
