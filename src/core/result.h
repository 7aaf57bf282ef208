// Result<T>: a value, or an Error that a user can act on. Third-party exceptions are turned into one where
// they arise.
#pragma once

#include <string>
#include <utility>

// tl::expected lacks [[nodiscard]]; this forward declaration makes both compilers warn when one is dropped.
namespace tl {
template <class T, class E>
class [[nodiscard]] expected;
}
#include <tl/expected.hpp>

namespace docktor {

enum class ErrorCode {
  kInvalid,      ///< the input is wrong; trying again does not help
  kNotFound,     ///< what was asked for is not there (yet)
  kUnavailable,  ///< no answer, no connection, no leader
  kTimeout,      ///< the deadline passed
  kDenied,       ///< permissions or credentials
  kConflict,     ///< somebody else holds it, or it changed meanwhile
  kExhausted,    ///< disk, memory, descriptors or a limit of ours
  kInternal,     ///< a bug or an answer that makes no sense
};

/// What went wrong, where, and what to do, in words for the user.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  bool retry = false;  ///< whether the same call may succeed later without anybody mending anything
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, bool retry = false) {
  return tl::unexpected<Error>(Error{code, std::move(message), retry});
}

}  // namespace docktor
