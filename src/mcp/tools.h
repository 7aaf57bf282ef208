// docktor's tools for agents: the original's eight, and what operating a system needs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/operations.h"
#include "mcp/server.h"

namespace docktor::mcp {

struct ToolOptions {
  /// Makes what carries a call out; `via` is how its journal names the asker ("mcp (inspector)").
  std::function<std::unique_ptr<Operator>(const std::string& via)> make_operator;
  bool allow_actions = false;  ///< without, tools that act are not listed, and a call says how to allow them
};

/// In a stable order. Every tool is a layer over operations: what an argument may be is in its schema, and
/// the bounds of a service are kept where the operation is carried out.
std::vector<Tool> docktor_tools(ToolOptions options);

}  // namespace docktor::mcp
