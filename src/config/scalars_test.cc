#include "config/scalars.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace docktor {
namespace {

using namespace std::chrono_literals;

constexpr Knob kDurationKnob{.key = "interval", .type = KnobType::kDuration, .least = 0, .most = 1e9};
constexpr Knob kIntegerKnob{.key = "replicas", .type = KnobType::kInteger, .least = -5, .most = 100};
constexpr Knob kNumberKnob{.key = "quantile", .type = KnobType::kNumber, .least = 0.5, .most = 1000};

TEST(Duration, TakesSecondsAndUnits) {
  const std::pair<const char*, Duration> cases[] = {
      {"10", 10s},         {"0", 0s},           {"0.5", 500ms},   {"500ms", 500ms},
      {"10s", 10s},        {"2m", 2min},        {"1h", 1h},       {"1m30s", 90s},
      {"1h0m1s", 1h + 1s}, {"1s500ms", 1500ms}, {"1.5s", 1500ms}, {"2.5ms", 2500us},
  };
  for (const auto& [text, expected] : cases) {
    const auto d = duration_of(kDurationKnob, text);
    ASSERT_TRUE(d) << text << ": " << d.error().message;
    EXPECT_EQ(*d, expected) << text;
  }
}

TEST(Percent, TakesThemWithTheirSignOnly) {
  const Knob knob{.key = "max_headroom", .type = KnobType::kPercent, .least = 0, .most = 1000};
  EXPECT_EQ(*percent_of(knob, "50%"), 0.5);
  EXPECT_EQ(*percent_of(knob, "12.5%"), 0.125);
  EXPECT_EQ(*percent_of(knob, "0%"), 0);
  EXPECT_EQ(percent_of(knob, "0.5").error().message,
            "max_headroom is \"0.5\"; allowed: a percentage from 0% to 1000%; write 0.5%");
  EXPECT_EQ(percent_of(knob, "1001%").error().message,
            "max_headroom is \"1001%\"; allowed: a percentage from 0% to 1000%");
  for (const char* text : {"", "%", "-1%", "50 %", "x%", "50%%"})
    EXPECT_FALSE(percent_of(knob, text)) << text;
}

TEST(Duration, RefusesWhatIsNone) {
  for (const char* text : {"",     "s",
                           "fast", "-1",
                           "-1s",  "+1s",
                           "10 s", " 10s",
                           "10s ", "1d",
                           "10S",  "1s1m",
                           "1s1s", "1..5s",
                           ".",    "1m30",
                           "1e3",  "0x10",
                           "inf",  "nan",
                           "1,5s", "99999999999999999999999h",
                           "10ss", "ms"}) {
    EXPECT_FALSE(duration_of(kDurationKnob, text)) << text;
  }
}

TEST(Duration, SaysWhatIsAllowed) {
  const Knob knob{.key = "check_interval", .type = KnobType::kDuration, .least = 0.01, .most = 3600};
  EXPECT_EQ(duration_of(knob, "5x").error().message,
            "check_interval is \"5x\"; allowed: a duration from 10ms to 1h; write 10 (seconds), 500ms, 10s, "
            "2m, 1h or 1m30s");
  EXPECT_EQ(duration_of(knob, "2h").error().message,
            "check_interval is \"2h\"; allowed: a duration from 10ms to 1h");
  EXPECT_EQ(duration_of(knob, "0").error().message,
            "check_interval is \"0\"; allowed: a duration from 10ms to 1h");
}

RC_GTEST_PROP(Duration, IsTakenBackAsItWasShown, ()) {
  const auto us = *rc::gen::inRange<std::int64_t>(0, 400'000'000'000);  // up to 111 hours
  const Duration d = std::chrono::microseconds(us);
  const auto back = duration_of(kDurationKnob, exact_duration(d));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == d);
}

TEST(Integer, TakesDecimalWithinBounds) {
  EXPECT_EQ(integer_of(kIntegerKnob, "0").value(), 0);
  EXPECT_EQ(integer_of(kIntegerKnob, "100").value(), 100);
  EXPECT_EQ(integer_of(kIntegerKnob, "-5").value(), -5);
}

TEST(Integer, RefusesEverythingElse) {
  for (const char* text : {"", "three", "3.0", "3.5", "1e2", "0x10", "010", "+3", " 3", "3 ", "101", "-6",
                           "1_0", "true", "99999999999999999999", "-99999999999999999999", "½"}) {
    EXPECT_FALSE(integer_of(kIntegerKnob, text)) << text;
  }
}

TEST(Number, TakesWhatIsFiniteAndWithinBounds) {
  EXPECT_EQ(number_of(kNumberKnob, "0.99").value(), 0.99);
  EXPECT_EQ(number_of(kNumberKnob, "5e2").value(), 500);
  for (const char* text : {"", "nan", "inf", "-inf", "1e400", "0.4", "1001", "50%", "1k", "0x1p3"}) {
    EXPECT_FALSE(number_of(kNumberKnob, text)) << text;
  }
}

TEST(Text, SuggestsTheNearestChoice) {
  const Knob knob{.key = "provider", .choices = "dmr|openai"};
  EXPECT_EQ(text_of(knob, "opnai").error().message,
            "provider is \"opnai\"; allowed: dmr, openai; did you mean openai?");
  EXPECT_EQ(text_of(knob, "x").error().message, "provider is \"x\"; allowed: dmr, openai");
}

TEST(Text, NeverRepeatsASecret) {
  const Knob knob{.key = "password", .least = 1, .most = 4, .secret = true};
  EXPECT_EQ(text_of(knob, "hunter2").error().message,
            "password is not right; allowed: a text of 1 to 4 characters");
}

}  // namespace
}  // namespace docktor
