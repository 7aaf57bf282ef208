// The variables of a Compose project: its .env file, and how `${...}` is replaced. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor {

using ComposeVariables = std::function<std::optional<std::string>(const std::string&)>;

/// `$NAME`, `${NAME}`, `${NAME:-default}`, `-`, `:+`, `+`, `:?`, `?`, nested, and `$$`, as Compose replaces
/// them. What is not set is empty, also where Compose would refuse it.
std::string replace_variables(std::string_view text, const ComposeVariables& variables);

/// A .env file: comments, `export`, quotes, CRLF, a byte order mark, variables in values. `environment` comes
/// before what the file has set itself.
std::map<std::string, std::string> read_dot_env(std::string_view text, const ComposeVariables& environment);

/// What Compose sees of a project: the environment, then these files, the last one first. A file that cannot
/// be read has nothing.
ComposeVariables project_variables(const std::vector<std::string>& env_files,
                                   const ComposeVariables& environment);

}  // namespace docktor
