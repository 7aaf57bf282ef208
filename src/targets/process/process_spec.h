// The settings of a target of kind process, as its code reads them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/settings.h"

namespace docktor {

struct ProcessSpec {
  std::vector<std::string> command;  ///< argv; a single string in YAML is run by /bin/sh -c
  std::string directory;             ///< absolute; the configuration's folder by default
  Pairs environment;
  Duration stop_grace_period = std::chrono::seconds(10);
  Duration ready_after = std::chrono::seconds(1);  ///< a process counts as ready once it has run this long
  friend bool operator==(const ProcessSpec&, const ProcessSpec&) = default;

  static ProcessSpec from(const Settings& s) {
    const ProcessSpec defaults;
    return {.command = s.get<CommandLine>("command").words,
            .directory = s.text("directory"),
            .environment = s.get<Pairs>("environment"),
            .stop_grace_period = s.get("stop_grace_period", defaults.stop_grace_period),
            .ready_after = s.get("ready_after", defaults.ready_after)};
  }
};

}  // namespace docktor
