// `docktor decide`: the core as a filter.
#include "sim/decide.h"

#include <iostream>

#include "app/commands.h"
#include "app/configuration.h"

namespace docktor {

int decide_command(const Cli& cli) {
  const auto config = load_for(cli);
  if (!config) return kExitUsage;
  std::ios::sync_with_stdio(false);
  return run_decide(std::cin, std::cout, *config);
}

}  // namespace docktor
