#include "mcp/tools.h"

#include <gtest/gtest.h>

namespace docktor::mcp {
namespace {

TEST(McpTools, SayAllTheWaysToWriteALength) {
  int lengths = 0;
  for (const auto& tool : docktor_tools({.make_operator = {}, .allow_actions = true})) {
    const auto& properties = tool.input["properties"];
    const auto length = properties.find("for");
    if (length == properties.end()) continue;
    ++lengths;
    const auto words = (*length)["description"].get<std::string>();
    EXPECT_NE(words.find(kLengths), std::string::npos) << tool.name << ": " << words;
  }
  EXPECT_GE(lengths, 2);
}

}  // namespace
}  // namespace docktor::mcp
