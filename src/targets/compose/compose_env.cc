#include "targets/compose/compose_env.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace docktor {
namespace {

constexpr std::size_t kMostEnvBytes = 1 << 20;
constexpr int kMostNested = 20;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::size_t end_of_name(std::string_view text, std::size_t from) {
  while (from < text.size() && is_name(text[from])) ++from;
  return from;
}

// Where the brace that is open before `from` closes; npos where it does not.
std::size_t closing_brace(std::string_view text, std::size_t from) {
  int open = 1;
  for (; from < text.size(); ++from) {
    if (text[from] == '{') ++open;
    if (text[from] == '}' && --open == 0) return from;
  }
  return std::string_view::npos;
}

std::string replace(std::string_view text, const ComposeVariables& variables, int depth);

// "NAME:-default", the inside of the braces.
std::string braced(std::string_view inside, const ComposeVariables& variables, int depth) {
  const auto end = end_of_name(inside, 0);
  const auto value = variables(std::string(inside.substr(0, end)));
  auto rest = inside.substr(end);
  const bool empty_too = rest.starts_with(":");
  if (empty_too) rest.remove_prefix(1);
  const bool is_set = value && !(empty_too && value->empty());
  if (rest.starts_with("-") && !is_set) return replace(rest.substr(1), variables, depth + 1);
  if (rest.starts_with("+")) return is_set ? replace(rest.substr(1), variables, depth + 1) : "";
  return value.value_or("");
}

std::string replace(std::string_view text, const ComposeVariables& variables, int depth) {
  if (depth > kMostNested) return "";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '$') {
      out += text[i];
    } else if (next == '$') {
      out += '$';
      ++i;
    } else if (next == '{') {
      const auto close = closing_brace(text, i + 2);
      if (close == std::string_view::npos) return out;
      out += braced(text.substr(i + 2, close - i - 2), variables, depth);
      i = close;
    } else if (is_name(next)) {
      const auto end = end_of_name(text, i + 1);
      out += variables(std::string(text.substr(i + 1, end - i - 1))).value_or("");
      i = end - 1;
    } else {
      out += '$';
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

// What stands behind the `=`: quoted, or up to a comment or the end of the line. `rest` moves behind it.
std::string take_value(std::string_view& rest, const ComposeVariables& variables) {
  const auto begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  rest.remove_prefix(begin);
  const char quote = rest.empty() ? '\0' : rest.front();
  if (quote == '\'' || quote == '"') {
    std::string inside;
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (quote == '"' && rest[i] == '\\' && i + 1 < rest.size()) {
        const char c = rest[++i];
        if (c == '$')
          inside += "$$";
        else
          inside += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
      } else if (rest[i] == quote) {
        rest.remove_prefix(std::min(rest.find('\n', i), rest.size()));
        return quote == '"' ? replace(inside, variables, 0) : inside;
      } else {
        inside += rest[i];
      }
    }
  }
  const auto end = std::min(rest.find('\n'), rest.size());
  auto line = rest.substr(0, end);
  rest.remove_prefix(end);
  if (line.starts_with("#")) return "";
  line = line.substr(0, std::min(line.find(" #"), line.find("\t#")));
  return replace(trimmed(line), variables, 0);
}

}  // namespace

std::string replace_variables(std::string_view text, const ComposeVariables& variables) {
  return replace(text, variables, 0);
}

std::map<std::string, std::string> read_dot_env(std::string_view text, const ComposeVariables& environment) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::map<std::string, std::string> out;
  const auto variables = [&](const std::string& name) -> std::optional<std::string> {
    if (auto value = environment(name)) return value;
    const auto found = out.find(name);
    return found == out.end() ? std::nullopt : std::optional(found->second);
  };
  while (!text.empty()) {
    const auto from = text.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos) break;
    text.remove_prefix(from);
    const auto line = text.substr(0, text.find('\n'));
    auto name_end = line.find_first_of("=:");
    auto name = trimmed(line.substr(0, std::min(name_end, line.size())));
    if (name.starts_with("export ")) name = trimmed(name.substr(7));
    const bool named = !name.empty() && end_of_name(name, 0) == name.size();
    if (line.starts_with("#") || name_end == std::string_view::npos || !named) {
      text.remove_prefix(line.size());
      continue;
    }
    text.remove_prefix(name_end + 1);
    out[std::string(name)] = take_value(text, variables);
  }
  return out;
}

ComposeVariables project_variables(const std::vector<std::string>& env_files,
                                   const ComposeVariables& environment) {
  std::map<std::string, std::string> values;
  for (const auto& path : env_files) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) continue;
    std::ifstream in(path, std::ios::binary);
    std::string text(kMostEnvBytes, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    for (auto& [name, value] : read_dot_env(text, environment)) values[name] = std::move(value);
  }
  return [environment, values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    if (auto value = environment(name)) return value;
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace docktor
