#include "schedule/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docktor {
namespace {

using testing::HasSubstr;

Cron cron(const char* text) {
  auto c = Cron::parse(text);
  EXPECT_TRUE(c) << text;
  return c.value_or(Cron());
}
std::string refused(const char* text) {
  const auto c = Cron::parse(text);
  return c ? "taken" : c.error().message;
}

TEST(Cron, FieldsListsRangesStepsAndNames) {
  const auto work = cron("30 8-18/2 * * mon-Fri");
  EXPECT_TRUE(work.on(11, 27, 5));
  EXPECT_FALSE(work.on(11, 28, 6));
  EXPECT_EQ(work.first(0), 8 * 60 + 30);
  EXPECT_EQ(work.first(8 * 60 + 31), 10 * 60 + 30);
  EXPECT_EQ(work.last(Cron::kMinutesOfDay), 18 * 60 + 30);
  EXPECT_EQ(work.last(8 * 60), std::nullopt);
  const auto listed = cron("0,15 0 1,15 jan,7 *");
  EXPECT_TRUE(listed.on(7, 15, 3));
  EXPECT_FALSE(listed.on(7, 14, 3));
  EXPECT_FALSE(listed.on(2, 15, 3));
  EXPECT_EQ(cron("5/20 * * * *").first(6), 25);
  EXPECT_EQ(cron("*/20 * * * *").first(6), 20);
}

TEST(Cron, SundayIsZeroAndSeven) {
  for (const char* text : {"0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * fri-sun", "0 0 * * 5-7"})
    EXPECT_TRUE(cron(text).on(11, 29, 0)) << text;
  EXPECT_FALSE(cron("0 0 * * 1-6").on(11, 29, 0));
}

TEST(Cron, OfTwoRestrictedDaysEitherSuffices) {
  const auto c = cron("0 0 13 * fri");
  EXPECT_TRUE(c.on(11, 13, 2));
  EXPECT_TRUE(c.on(11, 27, 5));
  EXPECT_FALSE(c.on(11, 28, 6));
  EXPECT_FALSE(cron("0 0 13 * *").on(11, 27, 5));
}

TEST(Cron, Nicknames) {
  EXPECT_EQ(cron("@daily").last(Cron::kMinutesOfDay), 0);
  EXPECT_TRUE(cron("@weekly").on(11, 29, 0));
  EXPECT_FALSE(cron("@weekly").on(11, 28, 6));
  EXPECT_EQ(cron("@hourly").first(1), 60);
}

TEST(Cron, SaysWhatIsWrong) {
  EXPECT_THAT(refused("0 8 * *"), HasSubstr("4 fields where five are needed"));
  EXPECT_THAT(refused("61 8 * * *"), HasSubstr("minute '61' cannot be read; allowed: 0 to 59"));
  EXPECT_THAT(refused("0 8 * * mo"), HasSubstr("day of the week 'mo'"));
  EXPECT_THAT(refused("0 8 31 feb *"), HasSubstr("never comes"));
  EXPECT_THAT(refused("@reboot"), HasSubstr("@daily"));
  for (const char* text :
       {"", "* * * * * *", "-1 * * * *", "*/0 * * * *", "5-1 * * * *", "1,,2 * * * *", "1- * * * *",
        "a * * * *", "99999999999 * * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"})
    EXPECT_NE(refused(text), "taken") << text;
}

}  // namespace
}  // namespace docktor
