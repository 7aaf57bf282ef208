// The tools of the original Docktor, under its names.
#pragma once

#include <vector>

#include "mcp/tools.h"

namespace docktor::mcp {

/// Those that only look, or leave a proposal.
std::vector<Tool> original_tools(const ToolOptions& options);
/// The one that acts.
Tool apply_scale(const ToolOptions& options);

}  // namespace docktor::mcp
