// What ran, from the journal, beside what others would have run for the same messages.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/spec.h"

namespace docktor {

struct SavingsRow {
  std::string name;
  double replica_seconds = 0;
  std::optional<double> mean_wait, late;  ///< seconds; share of the messages
  std::optional<double> p99;              ///< seconds
};

struct Savings {
  std::string service;
  double length = 0, unknown = 0, messages = 0;  ///< seconds that were watched; seconds that were not
  bool counted = true;                           ///< `messages` is known
  int most = 0;                                  ///< max_replicas
  std::optional<double> max_wait;                ///< seconds, of an objective
  std::vector<SavingsRow> rows;                  ///< what ran, then the others
  std::vector<std::string> notes;
};

struct SavingsQuery {
  double since = 0;     ///< Unix seconds
  bool others = false;  ///< simulates policies and peers on the same messages, which takes seconds
  double capacity = 0;  ///< messages per second of a replica, for the others; 0: as the journal learned it
  /// Called as a simulation goes on; may be empty.
  std::function<void(const std::string& what, double share)> progress;
};

/// kInvalid for a service without a queue, kNotFound where the journal has too little of it. Of a queue that counts
/// nothing only what ran is told: there are no messages to compare by.
Result<Savings> savings_of(const ServiceSpec& spec, const std::string& journal, const SavingsQuery& query);

nlohmann::ordered_json to_json(const Savings& savings);

/// "7d", beside what durations take, in seconds; from a minute to a year, else kInvalid.
Result<double> savings_length(const std::string& text);

}  // namespace docktor
