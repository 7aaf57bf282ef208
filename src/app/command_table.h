// Every command that the program has: the one place that lists them.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "app/cli.h"

namespace CLI {
class App;
}

namespace docktor {

/// A further command is a row here, and a function in a file of its own.
struct CommandRow {
  std::string_view path;  ///< as it is typed: "daemon start"
  const char* does;
  const char* example;
  void (*flags)(CLI::App& app, Cli& cli);  ///< nullptr: it has none
  int (*run)(const Cli& cli);  ///< prints for people, returns the exit code; nullptr: a group of commands
  const char* more =
      nullptr;  ///< for the man page: what neither `does` nor the flags say; `typed` is shown in bold
};

std::span<const CommandRow> command_table();

/// The table as the parser knows it. What is typed goes into `cli`, which lives longer.
std::unique_ptr<CLI::App> program_of(Cli& cli);

}  // namespace docktor
