#include "mcp/tool_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace docktor::mcp {
namespace {

constexpr int kMostWindow = 300;  // seconds

// False when the call was stopped meanwhile.
bool wait_a_second(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

json text(const char* what) {
  return {{"type", "string"}, {"description", what}, {"minLength", 1}, {"maxLength", 300}};
}
json whole(const char* what, int least, int most) {
  return {{"type", "integer"}, {"description", what}, {"minimum", least}, {"maximum", most}};
}
json typed(const char* type, const char* what) {
  json j = {{"type", type}};
  if (*what) j["description"] = what;
  return j;
}
json list_of_objects(const char* what) {
  return {{"type", "array"}, {"description", what}, {"items", {{"type", "object"}}}};
}

json object(std::initializer_list<std::pair<std::string, json>> properties,
            std::vector<std::string> required) {
  json j = {{"type", "object"}, {"properties", json::object()}, {"additionalProperties", false}};
  for (const auto& [name, schema] : properties) j["properties"][name] = schema;
  if (!required.empty()) j["required"] = std::move(required);
  return j;
}

json operation_arguments(const std::string& name) {
  const auto all = operations();
  return std::ranges::find(all, name, &Operation::name)->arguments;
}

json service() { return text("a service of the configuration; list_services names them"); }
json window() { return whole("seconds to look on; without, what is known now", 1, kMostWindow); }

Result<ordered_json> ask(const ToolOptions& options, const CallContext& c, const std::string& operation,
                         const json& arguments) {
  const auto via = c.client.empty() ? std::string("mcp") : fmt::format("mcp ({})", c.client);
  return options.make_operator(via)->call(operation, arguments, c.stop);
}

Result<ordered_json> status_of(const ToolOptions& options, const CallContext& c, const json& service) {
  auto r = ask(options, c, "status", {{"service", service}});
  if (!r) return r;
  return ordered_json((*r)["services"][0]);
}

int current_of(const ordered_json& status) {
  return status.value("ready", 0) + status.value("starting", 0) + status.value("failing", 0);
}

Result<ordered_json> look_on(const ToolOptions& options, const CallContext& c, const json& arguments,
                             const std::function<void(const ordered_json&)>& see) {
  const int window = arguments.value("window_sec", 0);
  for (int second = 0;; ++second) {
    auto status = status_of(options, c, arguments["service"]);
    if (!status) return status;
    see(*status);
    if (second >= window) return status;
    c.progress(second, window, fmt::format("looked on for {} of {} s", second, window));
    if (!wait_a_second(c.stop)) return fail(ErrorCode::kUnavailable, "cancelled");
  }
}

}  // namespace docktor::mcp
