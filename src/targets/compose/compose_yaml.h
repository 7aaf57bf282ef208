// Compose files read without Compose: for hosts that have no Compose command, and files that it refuses.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"

namespace docktor {

struct ComposeModel {
  nlohmann::json model;  ///< as `docker compose config --no-interpolate` shows it, short forms left short
  bool complete = true;  ///< false where a file that is included or extended could not be read
};

/// Merges the files as Compose does, follows anchors, `<<`, `extends` and `include`; replaces no variables.
/// Errors name the file and the place: kNotFound, kInvalid, kExhausted.
Result<ComposeModel> load_compose_model(const std::vector<std::string>& paths);

/// `file` and, where it has one of Compose's own names, the override file that Compose reads with it.
std::vector<std::string> files_with_override(const std::string& file);

}  // namespace docktor
