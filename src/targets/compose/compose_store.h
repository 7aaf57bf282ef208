// What a compose target must know again after a restart: the last replica template, and what it had begun.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "core/result.h"

namespace docktor {

struct ComposeRecord {
  nlohmann::json replica_template;  ///< GET /containers/{id}/json of the last good one; null: none yet
  std::set<std::string> stopping;   ///< container ids whose end was ordered
  std::set<std::string> creating;   ///< names of containers that were about to be made
  std::optional<int> replicas;      ///< how many there were; nothing in a new record
  std::string stopped_by_hand;
  friend bool operator==(const ComposeRecord&, const ComposeRecord&) = default;
};

/// Replaces the file as a whole, readable by its owner alone: a template holds the container's environment.
Result<void> save_record(const std::string& path, const ComposeRecord& record);

/// A new record where there is no file, or none that makes sense: what it would have told is found out anew.
ComposeRecord load_record(const std::string& path);

}  // namespace docktor
