#include "core/text.h"

#include <gtest/gtest.h>

#include <array>

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

TEST(DidYouMean, FindsASlipOfTheHandAndNothingElse) {
  constexpr std::array<std::string_view, 3> words{"queue.backlog", "queue.rate_in", "cpu.avg"};
  EXPECT_EQ(did_you_mean("queue.backlgo", words), "queue.backlog");
  EXPECT_EQ(did_you_mean("cpu_avg", words), "cpu.avg");
  EXPECT_EQ(did_you_mean("memory", words), std::nullopt);
  EXPECT_EQ(did_you_mean(std::string(5000, 'q'), words), std::nullopt);
}

TEST(RedactedUrl, HidesCredentialsOfEveryServer) {
  EXPECT_EQ(redacted_url("nats://host:4222"), "nats://host:4222");
  EXPECT_EQ(redacted_url("nats://user:p@ss@host:4222"), "nats://***@host:4222");
  EXPECT_EQ(redacted_url("nats://token@a,nats://b,u:p@c"), "nats://***@a,nats://b,***@c");
}

}  // namespace
}  // namespace docktor
