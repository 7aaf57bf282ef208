// What a model is told: our instructions, and the situation as quoted data. Pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include "core/adviser.h"
#include "llm/completion.h"

namespace docktor::llm {

/// Of a decision's record only these harmless fields: service, current_replicas, decision, target_replicas,
/// reason, observations, numbers, matched_rules, limits. Texts are cut to 300 bytes of one printable line,
/// what looks like credentials in an address is hidden. Never configuration, samples or environment.
nlohmann::ordered_json harmless(const nlohmann::ordered_json& record);

/// The question as messages with its schema. The user's message is one JSON object, the system's says that
/// all its texts are data.
CompletionRequest advice_request(const AdviceQuestion& question);

/// Asks for one sentence on a record.
CompletionRequest explanation_request(const nlohmann::ordered_json& record);

}  // namespace docktor::llm
