#include "config/yaml.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace docktor {
namespace {

std::vector<std::string> mistakes_in(std::string_view text) {
  Mistakes mistakes;
  (void)parse_yaml(text, mistakes);
  return mistakes.list("f", text);
}

YamlNode good(std::string_view text) {
  Mistakes mistakes;
  auto root = parse_yaml(text, mistakes);
  for (const auto& m : mistakes.list("f", text)) ADD_FAILURE() << m;
  return root.value_or(YamlNode{});
}

using Strings = std::vector<std::string>;

TEST(Yaml, KeepsPositionsOfKeysAndValues) {
  const auto root = good("a: 1\nb:\n  - x\n  - {y: z}\n");
  ASSERT_EQ(root.kind, YamlNode::Kind::kMap);
  const auto* b = root.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->key_at, (Position{2, 1}));
  ASSERT_EQ(b->value.items.size(), 2U);
  EXPECT_EQ(b->value.items[0].text, "x");
  EXPECT_EQ(b->value.items[0].at, (Position{3, 5}));
  EXPECT_EQ(b->value.items[1].find("y")->value.at, (Position{4, 9}));
  EXPECT_EQ(root.find("c"), nullptr);
}

TEST(Yaml, GivesAnEmptyRootForATextWithoutContent) {
  for (const char* text : {"", "\n\n", "# a comment\n", "---\n"}) {
    EXPECT_EQ(good(text).kind, YamlNode::Kind::kNull) << text;
  }
}

TEST(Yaml, ExpandsAliases) {
  const auto root = good("a: &x {k: v}\nb: *x\n");
  EXPECT_EQ(root.find("b")->value.find("k")->value.text, "v");
  EXPECT_EQ(root.find("b")->value.at, (Position{1, 4}));  // where it is to be mended
}

TEST(Yaml, ExpandsMergeKeys) {
  const auto root = good("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 9\n");
  const auto& z = root.find("z")->value;
  EXPECT_EQ(z.entries.size(), 3U);
  EXPECT_EQ(z.find("a")->value.text, "9");  // what the map says itself wins
  EXPECT_EQ(z.find("b")->value.text, "2");  // then the earlier of the merged
  EXPECT_EQ(z.find("c")->value.text, "4");
}

TEST(Yaml, TakesAQuotedMergeKeyAsAnOrdinaryOne) { EXPECT_NE(good("'<<': 1\n").find("<<"), nullptr); }

TEST(Yaml, KnowsBlocksOfText) {
  const auto root = good("a: |\n  x\nb: x\nc: '|'\n");
  EXPECT_TRUE(root.find("a")->value.block);
  EXPECT_FALSE(root.find("b")->value.block);
  EXPECT_FALSE(root.find("c")->value.block);
}

TEST(Yaml, TellsWhatIsNotWellFormedWithItsPosition) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: 1\n\tb: 2\n",
       "f:2:1: not valid YAML: illegal tab when looking for indentation; tabs do not indent, use spaces"},
      {"a:\n\tb: 2\n", "f:2:3: not valid YAML: illegal map value; tabs do not indent, use spaces"},
      {"a: b: c\n",
       "f:1:5: not valid YAML: illegal map value; keys of one map stand in one column, and a text with \": "
       "\" in it stands "
       "in quotes"},
      {"a: 1\n b: 2\n",
       "f:2:3: not valid YAML: illegal map value; keys of one map stand in one column, and a text with \": "
       "\" in it stands "
       "in quotes"},
      {"op: >=\n",
       "f:1:6: not valid YAML: unexpected character in block scalar; write a comparison in quotes: \">=\""},
      {"a: @x\n",
       "f:1:4: not valid YAML: unknown token; a comparison stands in quotes (op: \">\"), and so does a text "
       "that begins with @, `, % or ?"},
      {"a: {b: ${X}}\n",
       "f:1:9: not valid YAML: end of map flow not found; close the { with a }, and write \"${...}\" in "
       "quotes within it"},
      {"a: [1, 2\nb: 3\n", "f:2:2: not valid YAML: end of sequence flow not found; close the [ with a ]"},
      {"a: *b\n",
       "f:1:4: not valid YAML: the referenced anchor is not defined; a text that begins with * stands in "
       "quotes"},
      {"a: &a [*a]\n", "f:1:8: an alias within its own anchor; it would never end"},
      {"a: \"x\nb: 1\n", "f:1:4: not valid YAML: a quote is opened here and never closed; close it"},
      {"a: 'it''s\n", "f:1:4: not valid YAML: a quote is opened here and never closed; close it"},
      {"a: !!str \"x\n", "f:1:4: not valid YAML: a quote is opened here and never closed; close it"},
      {"a: 1\n---\nb: 2\n", "f:2:1: a second YAML document; a configuration is one document"},
      {"- a\nb: 1\n",
       "f:2:1: not valid YAML: this does not continue what stands before; look at the indentation and the "
       "quotes here"},
      {"? [a]\n: b\n", "f:1:3: a key is not a text; write key: value"},
      {"~: 1\n", "f:1:1: a key is not a text; write key: value"},
      {"a: !foo bar\n", "f:1:4: unknown YAML tag \"!foo\"; write a text that begins with ! in quotes"},
      {"a: 1\nb: 2\na: 3\n", "f:3:1: duplicate key \"a\", first written at line 1; write it once"},
      {"a: {b: 1, b: 2}\n", "f:1:11: duplicate key \"b\", first written at line 1; write it once"},
      {"a:\n  <<: 5\n", "f:2:3: << merges only maps; write <<: *anchor_of_a_map"},
      {"ä: 1\nö: {é: 1, é: 2}\n", "f:2:11: duplicate key \"é\", first written at line 2; write it once"},
      {"a: \x04\nb: 1\n", "f:1:4: a control character (0x04); allowed: text"},
      {"a: 1\nb: \xff\n", "f:2:4: byte 0xff is not UTF-8; save the file as UTF-8"},
      {"a: \xc0\xaf\n", "f:1:4: byte 0xc0 is not UTF-8; save the file as UTF-8"},
      {"a: \xed\xa0\x80\n", "f:1:4: byte 0xed is not UTF-8; save the file as UTF-8"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(mistakes_in(text), Strings{expected}) << text;
}

TEST(Yaml, RefusesNulBytes) {
  EXPECT_EQ(mistakes_in(std::string_view("a: x\0y\n", 7)),
            Strings{"f:1:5: a control character (0x00); allowed: text"});
}

TEST(Yaml, LimitsSizeDepthAndExpansion) {
  EXPECT_EQ(mistakes_in(std::string(kMaxYamlBytes + 1, ' ')),
            Strings{"f: 16777217 bytes are too many; allowed: at most 16384 KiB"});
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(mistakes_in(nested(kMaxYamlDepth)), Strings{});
  EXPECT_EQ(mistakes_in(nested(kMaxYamlDepth + 1)),
            Strings{"f:1:33: nested too deeply; allowed: at most 32 levels"});

  // Ten levels of ten aliases each: a thousand million values from 400 bytes.
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += (j ? ", *a" : "*a") + std::to_string(i - 1);
    laughs += "]\n";
  }
  const auto found = mistakes_in(laughs);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("more than 2000000 values, each use of an alias counted"), std::string::npos)
      << found[0];
}

// yaml-cpp gives documents for ever, or takes quadratic time, on some of these; ctest's timeout is the judge.
TEST(Yaml, EndsOnLongRubbish) {
  for (const std::string piece :
       {"[",   "{",     "- ",     "? ", ": ",   ", ",      "a: ",    "&a ", "*a ",   "!",
        "|",   ">",     "\"",     "'",  "[]",   "{a: b},", "%",      "#",   "---\n", "...\n",
        "a\n", "- a\n", "a: 1\n", "\n", "[a, ", "{a: ",    "!!str ", "}"}) {
    std::string text;
    while (text.size() < 1 << 19) text += piece;
    Mistakes mistakes;
    const auto root = parse_yaml(text, mistakes);
    EXPECT_TRUE(root || !mistakes.empty()) << piece;
  }
}

TEST(Mistakes, ShowsAtMostItsLimitAndCountsTheRest) {
  Mistakes mistakes;
  for (int i = 1; i <= static_cast<int>(Mistakes::kMaxListed) + 5; ++i) mistakes.add(Position{i, 1}, "wrong");
  const auto list = mistakes.list("f", "");
  ASSERT_EQ(list.size(), Mistakes::kMaxListed + 1);
  EXPECT_EQ(list.back(), "f: 5 further mistakes are not listed");
}

TEST(Mistakes, ListsThemInOrderOfPositionAndEachOnce) {
  Mistakes mistakes;
  mistakes.add(Position{2, 1}, "c");
  mistakes.add(Position{1, 9}, "b");
  mistakes.add(Position{1, 9}, "b");
  mistakes.add(Place::named("DOCKTOR_X"), "a");
  EXPECT_EQ(mistakes.list("f", "x: yyyyyyyyy\nz\n"), (Strings{"DOCKTOR_X: a", "f:1:9: b", "f:2:1: c"}));
}

TEST(Mistakes, QuotesOutsideTextOnOneLine) {
  EXPECT_EQ(in_quotes("a\nb\tc\x01"), "\"a\\nb\\tc\\x01\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), "\"" + std::string(60, 'x') + "…\"");
}

}  // namespace
}  // namespace docktor
