#include "targets/kubernetes/selector.h"

#include <algorithm>

namespace docktor {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(' ');
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(' ') - from + 1);
}

// At commas that stand outside of parentheses.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t from = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    out.push_back(trimmed(text.substr(from, i - from)));
    from = i + 1;
  }
  return out;
}

bool is_key(std::string_view text) {
  return !text.empty() && text.find_first_of(" ()=!,") == std::string_view::npos;
}

}  // namespace

std::optional<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector out;
  if (trimmed(text).empty()) return out;
  for (const auto part : split(text)) {
    Term t;
    if (part.ends_with(')')) {
      const auto open = part.find('(');
      const auto words = trimmed(part.substr(0, open));
      const auto space = words.find(' ');
      if (open == std::string_view::npos || space == std::string_view::npos) return std::nullopt;
      const auto how = trimmed(words.substr(space));
      if (how != "in" && how != "notin") return std::nullopt;
      t.key = words.substr(0, space);
      t.in = how == "in";
      for (const auto v : split(part.substr(open + 1, part.size() - open - 2))) t.values.emplace_back(v);
    } else if (const auto equal = part.find('='); equal != std::string_view::npos) {
      t.in = equal == 0 || part[equal - 1] != '!';
      t.key = trimmed(part.substr(0, t.in ? equal : equal - 1));
      auto value = part.substr(equal + 1);
      if (t.in && value.starts_with('=')) value.remove_prefix(1);
      t.values.emplace_back(trimmed(value));
    } else {
      t.in = !part.starts_with('!');
      t.key = trimmed(t.in ? part : part.substr(1));
    }
    if (!is_key(t.key)) return std::nullopt;
    out.terms_.push_back(std::move(t));
  }
  return out;
}

bool LabelSelector::matches(const Labels& labels) const {
  return !terms_.empty() && std::ranges::all_of(terms_, [&](const Term& t) {
    const auto at = labels.find(t.key);
    if (at == labels.end())
      return !t.in;  // as Kubernetes has it: `a != b` and `a notin (b)` hold without an `a`
    if (t.values.empty()) return t.in;
    return (std::ranges::count(t.values, at->second) > 0) == t.in;
  });
}

}  // namespace docktor
