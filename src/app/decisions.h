// Decisions as the journal has them, each with what became of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace docktor {

struct DecisionQuery {
  std::string service;   ///< empty: all
  std::string id;        ///< not empty: this one alone
  bool changes = false;  ///< without the holds
  std::size_t most = 20;
};

/// The last decisions that fit, oldest first. Outcomes that came after a decision's record (an order that
/// took long, an approved proposal) are in it.
std::vector<nlohmann::ordered_json> find_decisions(const std::string& journal, const DecisionQuery& query);

}  // namespace docktor
