#include "api/operations.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using nlohmann::json;

std::string refusal_of(const char* operation, const json& arguments) {
  const auto r = checked_operation(operation, arguments);
  return r ? "" : r.error().message;
}

TEST(Operations, TakeWhatFitsTheirSchema) {
  EXPECT_EQ(refusal_of("scale", {{"service", "consumer"}, {"replicas", 3}, {"for", "10m"}}), "");
  EXPECT_EQ(refusal_of("status", json::object()), "");
}

TEST(Operations, SayWhatWouldBeRight) {
  EXPECT_EQ(refusal_of("scale", {{"service", "consumer"}, {"replicas", "3"}}),
            "scale.replicas is the text \"3\"; it must be a whole number from 0 to 100000");
  EXPECT_EQ(refusal_of("scale", json::parse(R"({"service":"consumer","replicas":1e-465794991481644})")),
            "scale.replicas is 0.0; it must be a whole number from 0 to 100000");
  EXPECT_NE(refusal_of("scale", {{"service", "consumer"}, {"replicas", -3}}), "");
  EXPECT_NE(refusal_of("scale", {{"service", "consumer"}}).find("scale.replicas is missing"),
            std::string::npos);
  EXPECT_NE(refusal_of("pause", {{"servise", "consumer"}}).find("did you mean service?"), std::string::npos);
  EXPECT_NE(refusal_of("pauze", json::object()).find("did you mean pause?"), std::string::npos);
  EXPECT_NE(refusal_of("pause", json::array()), "");
  EXPECT_NE(refusal_of("pause", {{"service", std::string(5000, 'x')}}), "");
}

TEST(Operations, EachHasAStrictSchemaAndASentence) {
  for (const auto& o : operations()) {
    EXPECT_EQ(o.arguments["additionalProperties"], false) << o.name;
    EXPECT_TRUE(o.does.ends_with(".")) << o.name;
  }
}

TEST(Asker, OutsideTextIsCutToAShortPlainLine) {
  EXPECT_EQ((Asker{"ann", ""}).text(), "ann");
  EXPECT_EQ((Asker{"ann", "mcp (evil\n\"name\")"}).text(), "ann via mcp (evil??name?)");
  EXPECT_LE((Asker{"ann", std::string(10'000, 'x')}).text().size(), 100u);
}

}  // namespace
}  // namespace docktor
