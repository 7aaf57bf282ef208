// Decisions and inputs as JSON: the journal's records and the lines of `docktor decide`. One format for both,
// so that a decision can be reproduced from the journal alone.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "core/decision.h"
#include "core/result.h"
#include "core/sample.h"

namespace docktor {

/// {"t":..,"service":..,"replicas":{"current","ready"[,"failing"]},"queue":{..}[,"cpu":[..] or {id:..}]}. `t`
/// in seconds. Of several queues "queues":{name:{..}} in place of "queue": what each showed, of which the sum is made anew.
nlohmann::ordered_json to_json(const Input& input, std::string_view service);

/// Reads what to_json wrote, and what people write by hand: strict about types and ranges, indifferent to
/// further keys. Needs t, service, replicas.current, and a queue (num_pending; num_ack_pending too where
/// delivered_consumer_seq is there) or cpu.
Result<std::pair<std::string, Input>> input_from_json(const nlohmann::json& line);

/// The seeds' fields without `ts`/`t`, which the caller puts first: service, current_replicas, decision,
/// target_replicas, reason, observations; then matched_rules, limits, numbers.
nlohmann::ordered_json to_json(const Decision& decision);

/// What people put on top of a decision, as its record keeps it; only what is set. From it the very same
/// Overrides come back, so that the decision can be made again.
nlohmann::ordered_json to_json(const Overrides& overrides);
Overrides overrides_from_json(const nlohmann::json& record);

/// UTC, "2025-01-29T14:30:00Z".
std::string utc_seconds(Time t);

/// One line; text that is not UTF-8 is replaced, never thrown about.
std::string to_line(const nlohmann::ordered_json& record);

}  // namespace docktor
