// Every command that the program has: the one place that lists them.
#pragma once

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
};

std::span<const CommandRow> command_table();

}  // namespace docktor
