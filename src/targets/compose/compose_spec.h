// The settings of a target of kind compose, as its code reads them.
#pragma once

#include <chrono>
#include <string>

#include "core/settings.h"

namespace docktor {

struct ComposeSpec {
  std::string compose_file;                        ///< absolute
  std::string project;                             ///< Compose project name; empty: as Compose derives it
  Duration ready_after = std::chrono::seconds(1);  ///< a container without a health check is ready then

  static ComposeSpec from(const Settings& s) {
    return {.compose_file = s.text("compose_file"), .project = s.text("project")};
  }
};

}  // namespace docktor
