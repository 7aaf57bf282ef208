// An example of a command: `docktor services` prints the names of a configuration's services.
#include "examples/extending/services_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/configuration.h"

namespace docktor {
namespace {

void services_flags(CLI::App& a, Cli& cli) {
  a.add_option("-c,--config", cli.config, "The configuration's file");
}

int services_command(const Cli& cli) {
  const auto config = load_for(cli);  // has told what is wrong with it
  if (!config) return kExitUsage;
  for (const auto& service : config->services) fmt::print("{}\n", service.name);
  return 0;
}

}  // namespace

const CommandRow kServicesCommand = {"services", "The names of the services",
                                     "docktor services --config docktor.yaml", services_flags,
                                     services_command};

}  // namespace docktor
