// `docktor config validate`: the file, then the world it names.
#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/instances.h"
#include "app/wiring.h"

namespace docktor {

int config_validate_command(const Cli& cli) {
  const auto config = load_for(cli);
  if (!config) return kExitUsage;
  fmt::print("✓ {}: {} service{}, no mistakes\n", config->shown, config->services.size(),
             config->services.size() == 1 ? "" : "s");
  if (cli.offline) return 0;
  const auto folders = our_folders();
  if (!folders) {
    fmt::print(stderr, "docktor: {}\n", folders.error().message);
    return kExitFailed;
  }
  const Instance instance = instance_of(*folders, config->path);
  spdlog::logger log("validate", std::make_shared<spdlog::sinks::null_sink_mt>());
  Wiring wiring({.state_dir = instance.state_dir, .log_dir = instance.log_dir, .log = log});
  int errors = 0, warnings = 0;
  for (const auto& spec : config->services) {
    fmt::print("{}:\n", spec.name);
    std::fflush(stdout);
    for (const auto& f : wiring.check(*config, spec)) {
      const char* mark = f.severity == Severity::kOk ? "✓" : f.severity == Severity::kWarning ? "⚠" : "✗";
      fmt::print("  {} {}\n", mark, f.what);
      if (f.severity != Severity::kOk && !f.cure.empty()) fmt::print("    → {}\n", f.cure);
      errors += f.severity == Severity::kError;
      warnings += f.severity == Severity::kWarning;
    }
  }
  if (errors == 0) {
    fmt::print("✓ Valid{}\n",
               warnings ? fmt::format(", with {} warning{}", warnings, warnings == 1 ? "" : "s") : "");
    return 0;
  }
  fmt::print("✗ {} problem{} to mend{}\n", errors, errors == 1 ? "" : "s",
             warnings ? fmt::format(", {} warning{}", warnings, warnings == 1 ? "" : "s") : "");
  return kExitFailed;
}

}  // namespace docktor
