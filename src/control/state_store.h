// What must outlive a restart, a JSON file for each service.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/result.h"

namespace docktor {

/// Not thread-safe. A missing or damaged file is no state, never an error: what was learned is learned again.
class StateStore {
 public:
  explicit StateStore(std::string folder) : folder_(std::move(folder)) {}
  Result<void> save(const std::string& service, const nlohmann::json& state);
  nlohmann::json load(const std::string& service) const;

 private:
  std::string file(const std::string& service) const;
  std::string folder_;
};

}  // namespace docktor
