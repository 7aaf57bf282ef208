// A JSON Schema of the configuration, for editors: what may be written where, with its meaning.
#pragma once

#include <nlohmann/json.hpp>

#include "config/kind.h"

namespace docktor {

/// Draft-07, from the tables of keys. It takes everything that the loader takes; what several keys mean together only the
/// loader knows, so `config validate` finds more.
nlohmann::ordered_json config_schema(const Kinds& kinds);

}  // namespace docktor
