#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <istream>
#include <streambuf>

#include "config/yaml_builder.h"
#include "config/yaml_text.h"

namespace docktor {

const YamlEntry* YamlNode::find(std::string_view key) const {
  const auto it = std::ranges::find(entries, key, &YamlEntry::key);
  return it == entries.end() ? nullptr : &*it;
}

namespace {

// The parser's own words, and what usually helps. They are yaml-cpp 0.7's.
struct Cure {
  std::string_view message;
  std::string_view cure;
};
constexpr std::array<Cure, 12> kCures{{
    {"unexpected character in block scalar", "write a comparison in quotes: \">=\""},
    {"illegal map value",
     "keys of one map stand in one column, and a text with \": \" in it stands in quotes"},
    {"end of map not found", "keys of one map stand in one column, and nothing follows a quoted text"},
    {"end of sequence not found", "the items of one list stand in one column, each behind \"- \""},
    {"end of map flow not found", "close the { with a }, and write \"${...}\" in quotes within it"},
    {"end of sequence flow not found", "close the [ with a ]"},
    {"unknown token",
     "a comparison stands in quotes (op: \">\"), and so does a text that begins with @, `, % or ?"},
    {"illegal flow end", "a ] or } closes nothing here; a text that begins with it stands in quotes"},
    {"the referenced anchor is not defined", "a text that begins with * stands in quotes"},
    {"illegal EOF in scalar", "close the quote"},
    {"illegal block entry", "a list begins on a line of its own"},
    {"bad file", "nest less deeply"},
}};

std::string syntax_message(const YAML::ParserException& e, const YamlText& text) {
  std::string_view cure = "look at the indentation and the quotes here";
  for (const auto& c : kCures) {
    if (c.message == e.msg) cure = c.cure;
  }
  if (text.tab_indents(e.mark.line)) cure = "tabs do not indent, use spaces";
  return fmt::format("not valid YAML: {}; {}", e.msg == "bad file" ? "nested too deeply" : e.msg, cure);
}

// Reads the text where it lies; std::istringstream would copy it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    auto* begin = const_cast<char*>(text.data());  // a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, Mistakes& mistakes) {
  if (text.size() > kMaxYamlBytes) {
    mistakes.add(Position{}, fmt::format("{} bytes are too many; allowed: at most {} KiB", text.size(),
                                         kMaxYamlBytes / 1024));
    return std::nullopt;
  }
  const YamlText source(text);
  if (const auto bad = source.bad_character()) {
    mistakes.add(bad->first, bad->second);
    return std::nullopt;
  }
  YamlBuilder builder(source, mistakes);
  ViewBuffer buffer(text);
  std::istream in(&buffer);
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const YamlRefusal& refusal) {
    mistakes.add(refusal.at, refusal.message);
  } catch (const YAML::ParserException& e) {
    mistakes.add(to_position(e.mark), syntax_message(e, source));
  } catch (const std::exception& e) {
    mistakes.add(Position{},
                 fmt::format("not valid YAML: {}; look at the indentation and the quotes", e.what()));
  }
  return std::nullopt;
}

}  // namespace docktor
