// The description of the API, made from the tables of routes and operations.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace docktor::web {

/// OpenAPI 3.1.
nlohmann::ordered_json openapi(const std::string& version);

}  // namespace docktor::web
