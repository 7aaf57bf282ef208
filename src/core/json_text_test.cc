#include "core/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace docktor {
namespace {

std::string nested(std::size_t levels, const char* open, const char* close) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(JsonText, IsTakenAsDeepAsAnySaneTextAndNoDeeper) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth, "[", "]")).is_array());
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth + 1, "[", "]")).is_discarded());
  EXPECT_TRUE(parse_json(nested(200'000, "[", "]")).is_discarded());
  EXPECT_TRUE(parse_json<nlohmann::ordered_json>(nested(200'000, "{\"a\":", "}")).is_discarded());
  EXPECT_TRUE(parse_json(nested(100'000, "[{\"a\":", "}]")).is_discarded());
}

TEST(JsonText, BracketsWithinTextsAreText) {
  const std::string text = "[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]";
  EXPECT_TRUE(parse_json(text).is_array());
  EXPECT_TRUE(parse_json("[\"\\\\\", [1]]").is_array());
}

TEST(JsonText, NonsenseIsDiscarded) {
  for (const char* text : {"", "]", "}}}}", "{", "x", "[1,", "\"\\"})
    EXPECT_TRUE(parse_json(text).is_discarded());
}

TEST(PlainText, HasNothingThatMovesACursorEndsALineOrTurnsTheWriting) {
  EXPECT_EQ(plain_text("\x1b[2K\r\x1b[1Aforged\nline\t\x7f"), " [2K  [1Aforged line  ");
  EXPECT_EQ(plain_text("a\xc2\x9b"
                       "b\xe2\x80\xae"
                       "c\xe2\x81\xa6"
                       "d\xe2\x80\xa8"),
            "a b c d ");
  EXPECT_EQ(plain_text("Grüße → ⚠ €"), "Grüße → ⚠ €");
  EXPECT_EQ(plain_text("two\nlines\r", true), "two\nlines ");
  nlohmann::json j = {{"a", {"\x1b[2K", 5}}, {"b", {{"c", "x\ny"}}}};
  make_plain(j);
  EXPECT_EQ(j, (nlohmann::json{{"a", {" [2K", 5}}, {"b", {{"c", "x y"}}}}));
}

}  // namespace
}  // namespace docktor
