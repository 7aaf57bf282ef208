#include "mcp/message.h"

#include <gtest/gtest.h>

namespace docktor::mcp {
namespace {

using Kind = Message::Kind;

Message one(std::string_view line) {
  auto parsed = parse_line(line);
  EXPECT_EQ(parsed.messages.size(), 1u);
  return parsed.messages.at(0);
}

TEST(McpMessage, ReadsRequestsNotificationsAndWhatIsNeither) {
  const auto r = one(R"({"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"a":1}})");
  EXPECT_EQ(r.kind, Kind::kRequest);
  EXPECT_EQ(r.id, 7);
  EXPECT_EQ(r.method, "tools/list");
  EXPECT_EQ(r.params["a"], 1);
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").kind, Kind::kNotification);
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","id":1,"result":{}})").kind, Kind::kIgnored);
  EXPECT_EQ(one("  \r").kind, Kind::kIgnored);
}

TEST(McpMessage, AnswersEachKindOfMistakeWithItsCode) {
  const auto code = [](std::string_view line) { return one(line).error_code; };
  EXPECT_EQ(code("{"), kParseError);
  EXPECT_EQ(code("\xff\xfe"), kParseError);
  EXPECT_EQ(code("3"), kInvalidRequest);
  EXPECT_EQ(code("[]"), kInvalidRequest);
  EXPECT_EQ(code(R"({"id":1,"method":"ping"})"), kInvalidRequest);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1})"), kInvalidRequest);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":{},"method":"ping"})"), kInvalidRequest);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})"), kInvalidRequest);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[1]})"), kInvalidParams);
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":3})").id, 1)
      << "the answer finds its asker";
}

TEST(McpMessage, DepthLengthAndBatchesAreLimited) {
  const std::string deep = R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":)" +
                           std::string(100'000, '[') + std::string(100'000, ']') + "}}";
  EXPECT_EQ(one(deep).error_code, kInvalidRequest);
  EXPECT_EQ(one(std::string(kMaxLine + 1, ' ') + "{}").kind, Kind::kBad);
  EXPECT_EQ(parse_line(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},3])").messages.size(), 2u);
  std::string many = "[0";
  for (std::size_t i = 0; i < kMaxBatch; ++i) many += ",0";
  EXPECT_EQ(one(many + "]").error_code, kInvalidRequest);
}

TEST(McpMessage, OneLineComesOutWhateverTheTextHolds) {
  const auto line = error_line("a\nb", kInvalidParams, "bad \xff byte\n");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line)["id"], "a\nb");
}

TEST(McpMessage, AModernRequestNamesItsVersion) {
  EXPECT_EQ(
      one(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})")
          .version(),
      "2026-07-28");
  EXPECT_EQ(
      one(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":3}}})")
          .version(),
      "?");
  EXPECT_EQ(one(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":7}})").version(), "");
}

}  // namespace
}  // namespace docktor::mcp
