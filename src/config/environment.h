// What overrides a configuration file: the process's environment and the command line's flags, as plain
// values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace docktor {

/// Name → value. Passed in; nothing in config reads the process's own.
using Environment = std::map<std::string, std::string>;

struct FlagOverrides {
  std::optional<std::string> service;   ///< the only service to keep; in the legacy form its name
  std::optional<std::string> interval;  ///< check_interval of all services, as typed
  std::string
      cwd;  ///< what relative paths of flags and variables refer to; empty: the process's working directory
  std::map<std::string, std::string, std::less<>> of_kinds;  ///< flags that keys of kinds name, as typed
};

}  // namespace docktor
