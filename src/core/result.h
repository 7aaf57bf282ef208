// The project's Result (include/docktor/result.h), and how a function of ours fails: `return fail(code,
// text)`, `return tl::unexpected(other.error())`. Third-party exceptions are turned into an Error where they
// arise.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "docktor/result.h"

namespace docktor {

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, bool retry = false) {
  return tl::unexpected<Error>(Error{code, std::move(message), retry});
}

}  // namespace docktor
