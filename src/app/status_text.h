// What `docktor daemon status` prints.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace docktor {

/// The daemon's answer to `status` for people, in lines of at most `width` columns (0: as long as they are),
/// paths and addresses excepted. Never throws, whatever another version of the daemon answers.
std::string status_text(const nlohmann::ordered_json& answer, std::size_t width);

}  // namespace docktor
