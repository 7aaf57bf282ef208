#include "web/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "api/operations.h"
#include "web/routes.h"

namespace docktor::web {
namespace {

using nlohmann::ordered_json;

ordered_json problem_answer(const char* what) {
  return {
      {"description", what},
      {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

ordered_json parameter(const std::string& name, const char* in, const ordered_json& schema) {
  ordered_json j = {{"name", name}, {"in", in}};
  if (std::string_view(in) == "path") j["required"] = true;
  if (const auto text = schema.find("description"); text != schema.end()) j["description"] = *text;
  j["schema"] = schema;
  j["schema"].erase("description");
  return j;
}

std::vector<std::string> names_in(std::string_view pattern) {
  std::vector<std::string> names;
  for (auto at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1))
    names.emplace_back(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  return names;
}

// What is not in the path stands in the query of a GET or DELETE, and in the body of a POST.
void describe_arguments(ordered_json& to, const Route& route, const ordered_json& schema) {
  const auto in_path = names_in(route.pattern);
  auto body = schema;
  for (const auto& name : in_path) {
    const auto known = schema["properties"].find(name);
    to["parameters"].push_back(parameter(
        name, "path", known == schema["properties"].end() ? ordered_json{{"type", "string"}} : *known));
    body["properties"].erase(name);
    if (body.contains("required"))
      body["required"].erase(std::remove(body["required"].begin(), body["required"].end(), name),
                             body["required"].end());
  }
  if (body.contains("required") && body["required"].empty()) body.erase("required");
  if (route.method == "POST") {
    to["requestBody"] = {{"required", body.contains("required")},
                         {"content", {{"application/json", {{"schema", body}}}}}};
    return;
  }
  for (const auto& [name, one] : body["properties"].items())
    to["parameters"].push_back(parameter(name, "query", one));
}

ordered_json answer_of(const Route& route) {
  const char* type = route.own == "events"                                    ? "text/event-stream"
                     : route.own == "metrics" || route.need == Need::kNothing ? "text/plain"
                                                                              : "application/json";
  ordered_json schema = std::string_view(type) == "application/json" ? ordered_json{{"type", "object"}}
                                                                     : ordered_json{{"type", "string"}};
  return {{"description", "done"}, {"content", {{type, {{"schema", schema}}}}}};
}

}  // namespace

ordered_json openapi(const std::string& version) {
  const auto all = operations();
  ordered_json paths = ordered_json::object();
  for (const auto& route : routes()) {
    if (route.own == "page" || route.own == "plain") continue;  // for people
    const auto operation = std::ranges::find(all, route.operation, &Operation::name);
    std::string method(route.method);
    std::ranges::transform(method, method.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    ordered_json one = {{"summary", operation == all.end() ? std::string(route.does) : operation->does}};
    one["parameters"] = ordered_json::array();
    ordered_json schema = {{"type", "object"}, {"properties", ordered_json::object()}};
    if (operation != all.end()) {
      one["x-operation"] = operation->name;
      schema = ordered_json(operation->arguments);
    } else if (route.own == "history") {
      for (const char* key : {"from", "to"})
        schema["properties"][key] = {{"type", "number"}, {"description", "Unix seconds"}};
      schema["properties"]["points"] = {{"type", "integer"},
                                        {"minimum", 2},
                                        {"maximum", 2000},
                                        {"description", "at most so many steps of equal length"}};
    }
    describe_arguments(one, route, schema);
    one["responses"] = {{"200", answer_of(route)}, {"default", problem_answer("refused, or it failed")}};
    if (route.need == Need::kAct) one["security"] = ordered_json::array({{{"token", ordered_json::array()}}});
    paths[std::string(route.pattern)][method] = std::move(one);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "docktor"},
            {"version", version},
            {"description", "What docktor's daemon knows and does. Within v1 fields are only added."},
            {"license", {{"name", "MIT"}, {"identifier", "MIT"}}}}},
          {"servers", ordered_json::array({{{"url", "/"}}})},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
            {"schemas",
             {{"Problem",
               {{"type", "object"},
                {"required", {"type", "title", "status", "detail"}},
                {"properties",
                 {{"type", {{"type", "string"}}},
                  {"title", {{"type", "string"}}},
                  {"status", {{"type", "integer"}}},
                  {"detail", {{"type", "string"}}},
                  {"code", {{"type", "string"}}},
                  {"retry", {{"type", "boolean"}}}}}}}}}}}};
}

}  // namespace docktor::web
