// The table of routes: what can be asked for over HTTP, and which operation answers it.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "web/guard.h"

namespace docktor::web {

struct Route {
  std::string_view method;
  std::string_view pattern;    ///< "/api/v1/services/{service}/pause"; a word in braces is an argument
  std::string_view operation;  ///< of api/operations.h; empty: `own` answers
  std::string_view own;        ///< an answer of the site's own
  Need need;
  std::string_view does;  ///< for own answers; an operation has its own sentence
};

std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;                  ///< nullptr: no such path
  std::map<std::string, std::string> arguments;  ///< of the path
  std::string allowed;                           ///< methods of the path where only the method is wrong
};

Match match(std::string_view method, std::string_view path);

}  // namespace docktor::web
