#include "schedule/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schedule/time_zone.h"

namespace docktor {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

ServiceSpec service(std::vector<ScheduleEntry> entries) {
  ServiceSpec s;
  s.limits.min_replicas = 1;
  s.limits.max_replicas = 10;
  s.schedule = std::move(entries);
  return s;
}
ScheduleEntry entry(std::string cron, Duration length, std::optional<int> min, std::optional<int> max = {},
                    std::string zone = "Europe/Berlin") {
  return {std::move(cron), length, std::move(zone), min, max};
}
Time berlin(const char* text) {
  return Schedule(service({entry("@daily", hours(1), 1)})).parsed(text).value_or(Time{});
}
// min..max at that instant, or nothing.
std::string at(Schedule schedule, Time t) {
  const auto& b = schedule.at(t);
  return b ? std::to_string(b->bounds.min) + ".." + std::to_string(b->bounds.max) : "";
}

TEST(Schedule, CountsFromItsInstantForItsLength) {
  const Schedule s(service({entry("0 8 * * 1-5", hours(10), 5)}));
  EXPECT_EQ(at(s, berlin("2026-11-30 07:59")), "");
  EXPECT_EQ(at(s, berlin("2026-11-30 08:00")), "5..10");
  EXPECT_EQ(at(s, berlin("2026-11-30 17:59")), "5..10");
  EXPECT_EQ(at(s, berlin("2026-11-30 18:00")), "");
  EXPECT_EQ(at(s, berlin("2026-11-29 12:00")), "") << "a Sunday";
  Schedule again = s;
  EXPECT_EQ(again.at(berlin("2026-11-30 12:00"))->why, "schedule 0 8 * * 1-5, until Mon 18:00 Europe/Berlin");
}

TEST(Schedule, OverMidnightAndOverDays) {
  const Schedule night(service({entry("0 22 * * 5", hours(58), {}, 2)}));  // Friday evening to Monday 08:00
  EXPECT_EQ(at(night, berlin("2026-11-27 21:59")), "");
  EXPECT_EQ(at(night, berlin("2026-11-29 12:00")), "1..2");
  EXPECT_EQ(at(night, berlin("2026-11-30 07:59")), "1..2");
  EXPECT_EQ(at(night, berlin("2026-11-30 08:00")), "");
}

TEST(Schedule, OfSeveralTheHighestCount) {
  const Schedule s(service({entry("0 8 * * *", hours(10), 5), entry("0 10 * * *", hours(2), 3, 20),
                            entry("0 11 * * *", hours(1), {}, 4)}));
  EXPECT_EQ(at(s, berlin("2026-11-30 09:00")), "5..10");
  EXPECT_EQ(at(s, berlin("2026-11-30 10:30")), "5..20");
  EXPECT_EQ(at(s, berlin("2026-11-30 11:30")), "5..20");
  const Schedule low(service({entry("0 8 * * *", hours(10), 5), entry("0 11 * * *", hours(1), {}, 4)}));
  EXPECT_EQ(at(low, berlin("2026-11-30 11:30")), "4..4");
}

TEST(Schedule, TheClockIsPutForwardAndBack) {
  // 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
  const Schedule night(service({entry("0 22 * * *", hours(10), 4)}));
  EXPECT_EQ(at(night, berlin("2026-03-29 07:59")), "4..10");
  EXPECT_EQ(at(night, berlin("2026-03-29 08:00")), "");
  EXPECT_EQ(at(night, berlin("2026-10-25 07:59")), "4..10");
  EXPECT_EQ(at(night, berlin("2026-10-25 08:00")), "");
  const Schedule lost(service({entry("30 2 * * *", hours(1), 4)}));
  EXPECT_EQ(at(lost, berlin("2026-03-29 01:59")), "");
  EXPECT_EQ(at(lost, berlin("2026-03-29 03:00")), "4..10");
  EXPECT_EQ(at(lost, berlin("2026-03-29 03:30")), "");
  // The first 02:30 is at 00:30 UTC, the second an hour later; it ends with the second 03:30, which there is once.
  const Time first = berlin("2026-10-25 02:30");
  EXPECT_EQ(at(lost, first - minutes(1)), "");
  EXPECT_EQ(at(lost, first), "4..10");
  EXPECT_EQ(at(lost, first + minutes(119)), "4..10");
  EXPECT_EQ(at(lost, first + minutes(120)), "");
  // Every hour of a day of 23, 24 and 25 hours.
  const Schedule all(service({entry("0 0 * * *", hours(24), 4)}));
  for (const char* day : {"2026-03-29", "2026-10-25", "2026-11-30"}) {
    for (int m = 0; m < 26 * 60; m += 15)
      EXPECT_EQ(at(all, berlin(day) + minutes(m)), "4..10") << day << " " << m;
  }
}

TEST(Schedule, ItsOwnTimeZone) {
  const Schedule s(service({entry("0 8 * * *", hours(1), 5, {}, "America/New_York")}));
  EXPECT_EQ(at(s, berlin("2026-11-30 14:30")), "5..10");
  EXPECT_EQ(at(s, berlin("2026-11-30 08:30")), "");
}

TEST(Schedule, TellsTheNextChange) {
  const Schedule s(service({entry("0 8 * * 1-5", hours(10), 5), entry("30 9 * * *", hours(1), 2)}));
  auto next = s.next(berlin("2026-11-28 20:00"));  // Saturday
  ASSERT_TRUE(next);
  EXPECT_EQ(next->shown, "Sun 2026-11-29 09:30 Europe/Berlin");
  EXPECT_EQ(next->bounds, (Bounds{2, 10}));
  next = s.next(berlin("2026-11-30 09:00"));
  ASSERT_TRUE(next) << "2 is below 5 and changes nothing";
  EXPECT_EQ(next->at, berlin("2026-11-30 18:00"));
  EXPECT_EQ(next->bounds, (Bounds{1, 10}));
  EXPECT_FALSE(Schedule(service({entry("* * * * *", hours(1), 5)})).next(berlin("2026-11-30")))
      << "it always counts";
  const auto leap = Schedule(service({entry("0 0 29 2 *", hours(1), 5)})).next(berlin("2026-11-30"));
  ASSERT_TRUE(leap);
  EXPECT_EQ(leap->shown, "Tue 2028-02-29 00:00 Europe/Berlin");
}

TEST(Schedule, AClockThatGoesBackIsLookedAtAnew) {
  Schedule s(service({entry("0 8 * * *", hours(10), 5)}));
  EXPECT_TRUE(s.at(berlin("2026-11-30 12:00")));
  EXPECT_FALSE(s.at(berlin("2026-11-30 07:00")));
  EXPECT_TRUE(s.at(berlin("2026-11-30 08:00")));
}

TEST(TimeZone, UnknownOnesAreToldWithTheNearest) {
  EXPECT_TRUE(check_time_zone("Europe/Berlin"));
  const auto wrong = check_time_zone("Europe/Berlim");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("did you mean Europe/Berlin?"));
  EXPECT_FALSE(check_time_zone("../../etc/passwd"));
  EXPECT_FALSE(check_time_zone(""));
}

TEST(TimeZone, TheVariableCountsBeforeTheMachines) {
  EXPECT_EQ(local_time_zone("Asia/Tokyo"), "Asia/Tokyo");
  EXPECT_EQ(local_time_zone(":Asia/Tokyo"), "Asia/Tokyo");
  EXPECT_TRUE(check_time_zone(local_time_zone("")));
  EXPECT_TRUE(check_time_zone(local_time_zone("nonsense")));
}

}  // namespace
}  // namespace docktor
