// Whether a line of a journal has the shape that its readers rely on.
#pragma once

#include <nlohmann/json.hpp>

namespace docktor {

/// True when every field that readers know, where it is there, has its type: texts are texts, counts are
/// whole numbers, inputs a list of objects with an instant. A line of another shape, which a damaged disk or
/// another program wrote, is passed over like one that is no JSON.
bool is_journal_record(const nlohmann::ordered_json& line);

}  // namespace docktor
