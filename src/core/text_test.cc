#include "core/text.h"

#include <gtest/gtest.h>

#include <array>

#include "core/rate_text.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;

TEST(ShortDuration, ReadsAsTheConfigurationWritesIt) {
  EXPECT_EQ(short_duration(0s), "0ms");
  EXPECT_EQ(short_duration(500ms), "500ms");
  EXPECT_EQ(short_duration(10s), "10s");
  EXPECT_EQ(short_duration(1500ms), "1.5s");
  EXPECT_EQ(short_duration(120s), "2m");
  EXPECT_EQ(short_duration(90s), "1m30s");
  EXPECT_EQ(short_duration(3h), "3h");
  EXPECT_EQ(short_duration(-2s), "-2s");
}

TEST(SpokenDuration, HasItsUnitApart) {
  EXPECT_EQ(spoken_duration(0s), "0 s");
  EXPECT_EQ(spoken_duration(355ms), "355 ms");
  EXPECT_EQ(spoken_duration(1940ms), "1.9 s");
  EXPECT_EQ(spoken_duration(10s), "10 s");
  EXPECT_EQ(spoken_duration(59960ms), "1 min");
  EXPECT_EQ(spoken_duration(125s), "2 min 5 s");
  EXPECT_EQ(spoken_duration(12000s), "3 h 20 min");
  EXPECT_EQ(spoken_duration(49h), "2 d 1 h");
  EXPECT_EQ(spoken_duration(-2s), "-2 s");
}

TEST(ShortNumber, HasThreeDigitsAndNoExponent) {
  for (const auto& [v, text] : {std::pair{0.0, "0"},
                                {100.019, "100"},
                                {19.1478, "19.1"},
                                {0.823766, "0.824"},
                                {1234.56, "1235"},
                                {536576.0, "536576"},
                                {1.0, "1"},
                                {-2.50, "-2.5"},
                                {9.996, "10"},
                                {0.00001234, "0.0000123"},
                                {-0.0001e-9, "0"}})
    EXPECT_EQ(short_number(v), text) << v;
}

TEST(Text, ARateTakesTheUnitThatShowsIt) {
  EXPECT_EQ(rate_text(60), "60 msg/s");
  EXPECT_EQ(rate_text(0.0153), "0.918 msg/min");
  EXPECT_EQ(rate_text(-0.025), "-1.5 msg/min");
  EXPECT_EQ(rate_text(0.0002), "0.72 msg/h");
  EXPECT_EQ(rate_text(0), "0 msg/s");
}

TEST(NumberBeside, TellsOnWhichSideTheValueLies) {
  EXPECT_EQ(number_beside(200.04, 200), "200.04");
  EXPECT_EQ(number_beside(199.96, 200), "199.96");
  EXPECT_EQ(number_beside(200, 200), "200");
  EXPECT_EQ(number_beside(180.2, 200), "180");
  EXPECT_EQ(number_beside(1500, 500, 1), "1500.0");
}

TEST(Numbers, AreWhatEveryReaderTakesForTheSame) {
  for (const char* text : {"0", "10", "-3", "99999999999999999999"})
    EXPECT_TRUE(is_whole_number(text)) << text;
  for (const char* text :
       {"", "-", "010", "-010", "00", "0x10", "0b1", "1_0", "1'0", "1.0", "1e3", "+1", " 1"})
    EXPECT_FALSE(is_whole_number(text)) << text;
  for (const char* text : {"0", "0.5", "1e3", "-2.5", "10"}) EXPECT_TRUE(is_decimal_number(text)) << text;
  for (const char* text : {"", "nan", "inf", "-inf", "0x1p3", "01.5", "-01", "1e999", "1,5", "1.5s"})
    EXPECT_FALSE(is_decimal_number(text)) << text;
  EXPECT_EQ(parse_seconds("010"), std::nullopt);
  EXPECT_EQ(parse_seconds("1h05m"), 3900);
  EXPECT_EQ(parse_seconds("0.5"), 0.5);
}

TEST(DidYouMean, FindsASlipOfTheHandAndNothingElse) {
  constexpr std::array<std::string_view, 3> words{"queue.backlog", "queue.rate_in", "cpu.avg"};
  EXPECT_EQ(did_you_mean("queue.backlgo", words), "queue.backlog");
  EXPECT_EQ(did_you_mean("cpu_avg", words), "cpu.avg");
  EXPECT_EQ(did_you_mean("memory", words), std::nullopt);
  EXPECT_EQ(did_you_mean(std::string(5000, 'q'), words), std::nullopt);
}

TEST(MarkupEscaped, LeavesNothingThatMarkupReads) {
  EXPECT_EQ(markup_escaped("<a href='x' b=\"y\">&amp;"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;");
}

TEST(PercentDecoded, TakesEscapesAndNothingElse) {
  EXPECT_EQ(percent_decoded("p%40ss%2Fword"), "p@ss/word");
  EXPECT_EQ(percent_decoded("100% %zz %4"), "100% %zz %4");
}

TEST(RedactedUrl, HidesCredentialsOfEveryServer) {
  EXPECT_EQ(redacted_url("nats://host:4222"), "nats://host:4222");
  EXPECT_EQ(redacted_url("nats://user:p@ss@host:4222"), "nats://***@host:4222");
  EXPECT_EQ(redacted_url("nats://token@a,nats://b,u:p@c"), "nats://***@a,nats://b,***@c");
  EXPECT_EQ(redacted_url("http://h/x?queue=mail&Api_Key=abc&n=1"), "http://h/x?queue=mail&Api_Key=***&n=1");
  EXPECT_EQ(redacted_url("http://u:p@h/x?token=abc"), "http://***@h/x?token=***");
  EXPECT_EQ(redacted_url("unix:///run/redis.sock?db=1"), "unix:///run/redis.sock?db=1");
  EXPECT_EQ(redacted_url("host=h password=s,3 dbname=d"), "host=h password=*** dbname=d");
  EXPECT_EQ(redacted_url("password = 's \\' 3' host=h"), "password = *** host=h");
  EXPECT_EQ(redacted_url("postgres://h/d?password=s&x=1"), "postgres://h/d?password=***&x=1");
  EXPECT_EQ(redacted_url("host=h password=s://x"), "host=h password=***");
  EXPECT_EQ(redacted_url("postgres://h/password"), "postgres://h/password");
}

}  // namespace
}  // namespace docktor
