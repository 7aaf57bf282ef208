// `schedule`, `priority`, `max_total_replicas` and `host` in a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/effective.h"
#include "tests/config/test_files.h"

namespace docktor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A service with these further keys, in flow style, and whatever stands at the top.
std::string service(const std::string& keys, const std::string& top = "") {
  return top +
         "services:\n  - name: a\n    min_replicas: 1\n    max_replicas: 10\n    target: {kind: process, "
         "command: [w]}\n"
         "    rules: {scale_up_when: [{metric: cpu.avg, op: '>', value: 1}]}\n    " +
         keys + "\n";
}
std::string refused(const std::string& text) {
  const auto result = load_text(text);
  return result.mistakes.size() == 1 ? result.mistakes[0]
                                     : std::to_string(result.mistakes.size()) + " mistakes";
}

TEST(ScheduleKeys, AreReadAndShownAsTheFileTakesThemBack) {
  const auto result =
      load_text(service("schedule: [{cron: 0 8 * * 1-5, for: 10h, timezone: Europe/Berlin, min_replicas: 5}, "
                        "{cron: '@daily', for: 90m, "
                        "timezone: UTC, max_replicas: 20, min_replicas: 12}]\n    priority: -3"));
  ASSERT_THAT(result.mistakes, IsEmpty());
  const auto& s = result.config->services[0];
  EXPECT_EQ(s.priority, -3);
  EXPECT_THAT(s.schedule, ElementsAre(ScheduleEntry{"0 8 * * 1-5", std::chrono::hours(10), "Europe/Berlin", 5,
                                                    std::nullopt},
                                      ScheduleEntry{"@daily", std::chrono::minutes(90), "UTC", 12, 20}));
  const auto shown = effective_service(s);
  EXPECT_EQ(shown["schedule"].dump(),
            R"([{"cron":"0 8 * * 1-5","for":"10h","timezone":"Europe/Berlin","min_replicas":5},)"
            R"({"cron":"@daily","for":"1h30m","timezone":"UTC","min_replicas":12,"max_replicas":20}])");
  EXPECT_EQ(shown["priority"], -3);
}

TEST(ScheduleKeys, WhatIsWrongIsSaidWithItsPlace) {
  EXPECT_THAT(refused(service("schedule: [{cron: 0 25 * * *, for: 1h, min_replicas: 2}]")),
              HasSubstr("f.yaml:7:23: cron: hour '25' cannot be read; allowed: 0 to 23"));
  EXPECT_THAT(
      refused(service("schedule: [{cron: '@daily', for: 1h, timezone: Europe/Berln, min_replicas: 2}]")),
      HasSubstr("no time zone 'Europe/Berln'; did you mean Europe/Berlin?"));
  EXPECT_THAT(refused(service("schedule: [{cron: '@daily', for: 1h}]")),
              HasSubstr("write min_replicas, max_replicas or both"));
  EXPECT_THAT(refused(service("schedule: [{cron: '@daily', min_replicas: 2}]")), HasSubstr("for is missing"));
  EXPECT_THAT(refused(service("schedule: [{cron: '@daily', for: 1h, min_replicas: 11}]")),
              HasSubstr("min_replicas is 11 and max_replicas 10; write both here"));
  EXPECT_THAT(refused(service("schedule: [{cron: '@daily', for: 1h, min_replicas: 0}]")),
              HasSubstr("without a queue"));
  EXPECT_THAT(refused(service("schedule: [{cron: '@daily', for: 1s, min_replicas: 2}]")), HasSubstr("1m"));
  EXPECT_THAT(refused(service("schedule: [{cron: '@daily', fro: 1h, min_replicas: 2}]")),
              HasSubstr("did you mean for"));
}

TEST(MaxTotal, MustCarryWhatIsPromised) {
  EXPECT_EQ(load_text(service("", "max_total_replicas: 4\n")).config->max_total_replicas, 4);
  EXPECT_EQ(load_text(service("")).config->max_total_replicas, std::nullopt);
  EXPECT_THAT(
      refused(service("schedule: [{cron: '@daily', for: 1h, min_replicas: 5}]", "max_total_replicas: 4\n")),
      HasSubstr("max_total_replicas is 4, and min_replicas of all services come to 5"));
  EXPECT_THAT(refused(service("", "max_total_replicas: 0\n")), HasSubstr("1"));
}

TEST(Host, IsBoundGenerouslyUnlessTheFileSaysOtherwise) {
  EXPECT_EQ(load_text(service("")).host, (HostSpec{true, 0.1, 0.95}));
  EXPECT_EQ(load_text(service("", "host: {memory_reserve: 12.5%, cpu_max: 80%}\n")).host,
            (HostSpec{true, 0.125, 0.8}));
  EXPECT_FALSE(load_text(service("", "host: {enabled: false}\n")).host.enabled);
  EXPECT_THAT(refused(service("", "host: {memory_reserve: 2}\n")), HasSubstr("write 2%"));
  EXPECT_THAT(refused(service("", "host: {cpu_max: 0%}\n")), HasSubstr("from 1% to 100%"));
  EXPECT_THAT(refused(service("", "host: {cpu_mx: 50%}\n")), HasSubstr("did you mean cpu_max"));
}

}  // namespace
}  // namespace docktor
