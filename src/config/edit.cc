#include "config/edit.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/mistakes.h"
#include "config/yaml.h"

namespace docktor {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

tl::unexpected<Error> by_hand(const std::string& what) {
  return fail(ErrorCode::kInvalid, what + "; edit that line by hand");
}

std::size_t offset_of(std::string_view text, Position at) {
  std::size_t offset = 0;
  for (int line = 1; line < at.line; ++line) {
    const auto newline = text.find('\n', offset);
    if (newline == std::string_view::npos) return text.size();
    offset = newline + 1;
  }
  return std::min(text.size(), offset + static_cast<std::size_t>(std::max(0, at.column - 1)));
}

std::size_t end_of_line(std::string_view text, std::size_t from) {
  auto end = text.find('\n', from);
  if (end == std::string_view::npos) end = text.size();
  return end > from && text[end - 1] == '\r' ? end - 1 : end;
}

// In double quotes, where YAML and docktor's own ${...} read back just this text.
std::string double_quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '$') out += '$';
    out += c;
  }
  return out + '"';
}

// Reads back as this text without quotes: no number, and none of YAML's words.
bool plain(std::string_view value) {
  constexpr std::string_view kWords[] = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (value.empty() || !letter(value[0])) return false;
  std::string lower(value);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (std::ranges::find(kWords, lower) != std::end(kWords)) return false;
  return std::ranges::all_of(value, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '/';
  });
}

// The raw scalar from `from` on: its length, or nothing when it is none that can be replaced.
std::size_t scalar_length(std::string_view text, std::size_t from, bool flow) {
  if (from >= text.size()) return 0;
  const char first = text[from];
  if (first == '"' || first == '\'') {
    for (std::size_t i = from + 1; i < text.size() && text[i] != '\n'; ++i) {
      if (first == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == first) {
        if (first == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
          ++i;
          continue;
        }
        return i + 1 - from;
      }
    }
    return 0;
  }
  if (std::string_view("|>*&!%@`[]{},#").find(first) != std::string_view::npos) return 0;
  std::size_t end = from;
  const std::size_t line_end = end_of_line(text, from);
  for (; end < line_end; ++end) {
    if (flow && std::string_view(",]}").find(text[end]) != std::string_view::npos) break;
    if (text[end] == '#' && end > from && (text[end - 1] == ' ' || text[end - 1] == '\t')) break;
  }
  while (end > from && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  return end - from;
}

bool same(const YamlNode& a, const YamlNode& b) {
  return a.kind == b.kind && a.text == b.text && std::ranges::equal(a.items, b.items, same) &&
         std::ranges::equal(a.entries, b.entries, [](const YamlEntry& x, const YamlEntry& y) {
           return x.key == y.key && same(x.value, y.value);
         });
}

// The node without what may change, for the comparison of before and after.
YamlNode without(YamlNode root, const LlmChanges& changes) {
  for (auto& e : root.entries) {
    if (e.key != "llm") continue;
    std::erase_if(e.value.entries, [&](const YamlEntry& k) {
      return std::ranges::any_of(changes, [&](const auto& c) { return c.first == k.key; });
    });
  }
  std::erase_if(root.entries, [](const YamlEntry& e) {
    return e.key == "llm" && e.value.kind == YamlNode::Kind::kMap && e.value.entries.empty();
  });
  return root;
}

Result<YamlNode> parsed(std::string_view text) {
  Mistakes mistakes;
  auto root = parse_yaml(text, mistakes);
  if (root && mistakes.empty()) return std::move(*root);
  const auto list = mistakes.list("line", text);
  return fail(ErrorCode::kInvalid, list.empty() ? "it is not well formed" : list.front());
}

struct Edit {
  std::string text;

  Result<void> set(const std::string& key, const std::string& value) {
    const auto root = parsed(text);
    if (!root) return tl::unexpected(root.error());
    const YamlEntry* llm = root->find("llm");
    const std::string line_end = text.find("\r\n") == std::string::npos ? "\n" : "\r\n";
    if (!llm) {
      if (!text.empty() && text.back() != '\n') text += line_end;
      text += fmt::format("llm:{}  {}: {}{}", line_end, key, written(value), line_end);
      return {};
    }
    const YamlNode& map = llm->value;
    if (map.kind != YamlNode::Kind::kMap) return by_hand("llm is not a map");
    const std::size_t begin = offset_of(text, map.at);
    const bool flow = begin < text.size() && text[begin] == '{';
    if (const YamlEntry* e = map.find(key)) {
      if (e->value.kind != YamlNode::Kind::kScalar || e->value.block)
        return by_hand(fmt::format("llm.{} is no text on one line", key));
      const std::size_t at = offset_of(text, e->value.at);
      const std::size_t length = scalar_length(text, at, flow);
      if (length == 0) return by_hand(fmt::format("llm.{} is written in a way that is not understood", key));
      const bool was_plain = text[at] != '"' && text[at] != '\'';
      text.replace(at, length, was_plain ? written(value) : double_quoted(value));
      return {};
    }
    if (map.entries.empty()) return by_hand("llm is an empty map");
    if (flow) {
      text.insert(begin + 1, fmt::format("{}: {}, ", key, double_quoted(value)));
      return {};
    }
    const YamlEntry& last = map.entries.back();
    if (last.value.kind != YamlNode::Kind::kScalar || last.value.block)
      return by_hand(fmt::format("llm.{} spans several lines", last.key));
    const std::string indent(static_cast<std::size_t>(std::max(0, last.key_at.column - 1)), ' ');
    const std::size_t end = end_of_line(text, offset_of(text, last.value.at));
    text.insert(end, fmt::format("{}{}{}: {}", line_end, indent, key, written(value)));
    return {};
  }

  static std::string written(std::string_view value) {
    return plain(value) ? std::string(value) : double_quoted(value);
  }
};

}  // namespace

Result<std::string> with_llm_keys(std::string_view text, const LlmChanges& changes) {
  const bool marked = text.starts_with(kByteOrderMark);
  if (marked) text.remove_prefix(kByteOrderMark.size());
  const auto before = parsed(text);
  if (!before) return tl::unexpected(before.error());
  if (before->kind != YamlNode::Kind::kMap) return by_hand("the file is not a map");
  Edit edit{std::string(text)};
  for (const auto& [key, value] : changes) {
    if (auto set = edit.set(key, value); !set) return tl::unexpected(set.error());
  }
  // Whatever the text looked like: the rest must read as before.
  const auto after = parsed(edit.text);
  const YamlEntry* llm = after ? after->find("llm") : nullptr;
  if (!llm || !same(without(*before, changes), without(*after, changes)))
    return by_hand("the file is written in a way that cannot be changed for certain");
  for (const auto& [key, value] : changes) {
    std::string expected;  // as YAML gives it, before ${...}
    for (const char c : value) expected += c == '$' ? "$$" : std::string(1, c);
    const YamlEntry* e = llm->value.find(key);
    if (!e || e->value.text != expected) return by_hand(fmt::format("llm.{} cannot be set for certain", key));
  }
  return (marked ? std::string(kByteOrderMark) : std::string()) + edit.text;
}

}  // namespace docktor
