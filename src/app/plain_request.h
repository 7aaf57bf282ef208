// Requests as people type them, without a model: "why consumer", "hold consumer 10m", "scale consumer 3".
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docktor {

/// One of api's operations with its arguments.
struct PlainRequest {
  std::string operation;
  nlohmann::json arguments = nlohmann::json::object();
};

/// The request that the line is, if it matches one of plain_help()'s forms exactly; nothing for everything else
/// ("why did you scale down?" is for a model). `services` are the known names; a line may omit the name where
/// there is only one. Pure.
std::optional<PlainRequest> plain_request(std::string_view line, const std::vector<std::string>& services);

/// What a line that is not plain was probably meant to be, where no model can be asked: "why ..." with a
/// service's name somewhere explains that service's last change.
std::optional<PlainRequest> likely_request(std::string_view line, const std::vector<std::string>& services);

std::string plain_help();

}  // namespace docktor
