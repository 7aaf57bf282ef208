// One line of `docktor config validate`: what was looked at, whether it is well, and the cure if not.
#pragma once

#include <string>

namespace docktor {

enum class Severity { kOk, kWarning, kError };

struct Finding {
  Severity severity = Severity::kOk;
  std::string what;  ///< "stream EVENTS exists", "consumer WEB_WORKERS has an inactive threshold of 5s"
  std::string cure;  ///< what to do; empty when kOk
};

}  // namespace docktor
