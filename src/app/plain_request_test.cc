// What is typed plainly, and what is left to a model.
#include "app/plain_request.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using Services = std::vector<std::string>;

std::string read(std::string_view line, const Services& services = {"consumer", "web"}) {
  const auto r = plain_request(line, services);
  return r ? r->operation + " " + r->arguments.dump() : "-";
}

TEST(PlainRequest, TakesTheFormsOfTheHelp) {
  EXPECT_EQ(read("status"), "status {}");
  EXPECT_EQ(read("status web"), R"(status {"service":"web"})");
  EXPECT_EQ(read("why consumer"), R"(explain {"service":"consumer"})");
  EXPECT_EQ(read("why"), "explain {}");
  EXPECT_EQ(read("why 1a2b-17"), R"(explain {"id":"1a2b-17"})");
  EXPECT_EQ(read("hold consumer 10m"), R"(pause {"for":"10m","service":"consumer"})");
  EXPECT_EQ(read("hold consumer 2d"), R"(pause {"for":"2d","service":"consumer"})");
  EXPECT_EQ(read("  pause consumer   for 1h30m "), R"(pause {"for":"1h30m","service":"consumer"})");
  EXPECT_EQ(read("hold consumer"), R"(pause {"service":"consumer"})");
  EXPECT_EQ(read("scale consumer 3"), R"(scale {"replicas":3,"service":"consumer"})");
  EXPECT_EQ(read("scale consumer 3 for 5m"), R"(scale {"for":"5m","replicas":3,"service":"consumer"})");
  EXPECT_EQ(read("resume consumer"), R"(resume {"service":"consumer"})");
  EXPECT_EQ(read("approve p7"), R"(approve {"id":"p7"})");
  EXPECT_EQ(read("reject p7 not at night"), R"(reject {"id":"p7","reason":"not at night"})");
}

TEST(PlainRequest, ASingleServiceNeedsNoName) {
  EXPECT_EQ(read("why", {"web"}), R"(explain {"service":"web"})");
  EXPECT_EQ(read("hold 10m", {"web"}), R"(pause {"for":"10m","service":"web"})");
  EXPECT_EQ(read("resume", {"web"}), R"(resume {"service":"web"})");
  EXPECT_EQ(read("scale 3", {"web"}), R"(scale {"replicas":3,"service":"web"})");
}

TEST(PlainRequest, LeavesEverythingElseToAModel) {
  for (const char* line :
       {"", "why did you scale down?", "hold scaling for 10 minutes", "scale to 3 now",
        "scale consumer three", "scale consumer -3", "scale consumer 3.5", "scale nobody 3",
        "hold consumer long", "status of everything", "resume", "approve", "scale consumer",
        "scale consumer 99999999999999999999", "why consumer now"}) {
    EXPECT_EQ(read(line), "-") << line;
  }
}

TEST(PlainRequest, WithoutAModelWhyIsAnsweredAnyhow) {
  const auto r = likely_request("why did you scale consumer?", {"consumer", "web"});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->arguments["service"], "consumer");
  EXPECT_FALSE(likely_request("scale consumer down", {"consumer"}));
}

}  // namespace
}  // namespace docktor
