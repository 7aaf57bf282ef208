// Changes single keys of a configuration's text and leaves every other byte as it is. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace docktor {

/// Key of `llm` and its new value.
using LlmChanges = std::vector<std::pair<std::string, std::string>>;

/// `text` with those keys of its `llm` map set: a value that stands there is replaced in its place and in its
/// kind of quotes, a missing key is added beside the others, a missing map at the end. Comments, order,
/// anchors and line ends stay. kInvalid with what to do where that cannot be done for certain (a text that is
/// not well formed, a value written as an alias, with a tag or over several lines): then nothing is changed.
Result<std::string> with_llm_keys(std::string_view text, const LlmChanges& changes);

}  // namespace docktor
