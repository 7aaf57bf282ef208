// The part of JSON Schema that tools and operations use, checked against what arrives.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// Checks `value` against `schema`: type (object, array, string, integer, number, boolean), properties,
/// required, additionalProperties: false, items, maxItems, enum, minimum, maximum, minLength, maxLength;
/// anything else in a schema is description. Strict: a whole number is an integer (3), never a text ("3") nor
/// 3.0. kInvalid with where, what it is, and what would be right; one mistake at a time. Depth is the
/// schema's.
Result<void> check_schema(const nlohmann::json& schema, const nlohmann::json& value, std::string_view where);

}  // namespace docktor
