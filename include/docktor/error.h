// What went wrong, as a value.
#pragma once

#include <string>

namespace docktor {

/// The kind of an error: what a program may decide on. The text is for people.
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

}  // namespace docktor
