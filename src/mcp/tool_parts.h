// What docktor's tools are made of: pieces of their schemas, and the calls behind them.
#pragma once

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "mcp/tools.h"

namespace docktor::mcp {

using nlohmann::json;
using nlohmann::ordered_json;

inline constexpr auto kAgentsTime = "10m";  ///< what an agent does ends by itself
inline constexpr int kMostReplicas = 100'000;

// Schemas. An object takes no other properties than these.
json text(const char* what);
json whole(const char* what, int least, int most);
json typed(const char* type, const char* what = "");
json list_of_objects(const char* what);
json object(std::initializer_list<std::pair<std::string, json>> properties,
            std::vector<std::string> required = {});
json operation_arguments(const std::string& name);
json service();
json window();

/// Carries an operation out; its journal names the client.
Result<ordered_json> ask(const ToolOptions& options, const CallContext& c, const std::string& operation,
                         const json& arguments);
/// A service's part of the status.
Result<ordered_json> status_of(const ToolOptions& options, const CallContext& c, const json& service);
/// Of such a part: replicas that run or start.
int current_of(const ordered_json& status);
/// Looks at a service's status once, or each second for a window, and hands each look to `see`; the last one
/// comes back.
Result<ordered_json> look_on(const ToolOptions& options, const CallContext& c, const json& arguments,
                             const std::function<void(const ordered_json&)>& see);

}  // namespace docktor::mcp
