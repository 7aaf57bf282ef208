// Prints docs/configuration.md. Run by the build target configuration_reference.
#include <cstdio>
#include <string>

#include "app/configuration_page.h"

int main() {
  const std::string page = docktor::configuration_reference();
  const bool written =
      std::fwrite(page.data(), 1, page.size(), stdout) == page.size() && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}
