#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/command_table.h"
#include "app/version.h"
#include "core/text.h"

namespace docktor {
namespace {

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> names_of_flags(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options({})) {
    for (const auto& l : o->get_lnames()) names.push_back("--" + l);
    for (const auto& s : o->get_snames()) names.push_back("-" + s);
  }
  return names;
}

// The deepest command that was given, to which a mistake belongs.
const CLI::App& deepest(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string path_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent ? path_of(*parent) + " " + app.get_name() : app.get_name();
}

// The command, this one or one within it, that has such a flag; nullptr where none has it.
const CLI::App* command_with(const std::string& flag, const CLI::App& at) {
  if (std::ranges::count(names_of_flags(at), flag) > 0) return &at;
  for (const CLI::App* sub : at.get_subcommands({})) {
    if (const auto* found = command_with(flag, *sub)) return found;
  }
  return nullptr;
}

// The command of that name below another one: who types `docktor status` means `docktor daemon status`.
const CLI::App* below(const std::string& name, const CLI::App& at) {
  for (const CLI::App* sub : at.get_subcommands({})) {
    for (const CLI::App* one : sub->get_subcommands({})) {
      if (one->get_name() == name) return one;
    }
  }
  return nullptr;
}

std::string suggestion(const std::string& word, const CLI::App& at) {
  if (const auto* command = below(word, at)) return fmt::format("; did you mean '{}'?", path_of(*command));
  const auto all = word.starts_with("-") ? names_of_flags(at) : names_of(at);
  const std::vector<std::string_view> views(all.begin(), all.end());
  const auto near = did_you_mean(word.substr(0, word.find('=')), views);
  return near ? fmt::format("; did you mean '{}'?", *near) : "";
}

// What is wrong with a word that nothing takes.
std::string unexpected(const std::string& word, const CLI::App& at) {
  if (word.starts_with("-")) {
    const std::string flag = word.substr(0, word.find('='));
    if (const auto* command = command_with(flag, at)) {
      return fmt::format("'{}' stands behind the command it is for, as in '{} {} ...'", flag,
                         path_of(*command), flag);
    }
  }
  if (!word.starts_with("-") && at.get_option_no_throw("--service"))
    return fmt::format("unexpected word '{0}'; for the service of that name: --service {0}", word);
  return fmt::format("{} '{}'{}",
                     word.starts_with("-")            ? "unknown flag"
                     : at.get_subcommands({}).empty() ? "unexpected word"
                                                      : "unknown command",
                     word, suggestion(word, at));
}

// "Usage: docktor daemon start [OPTIONS]": the command as it is typed.
std::string help_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return app.help(parent ? path_of(*parent) : std::string());
}

int complain_at(const std::string& what, const CLI::App& at) {
  fmt::print(stderr, "docktor: {}\nTry '{} --help'.\n", what, path_of(at));
  return kExitUsage;
}

}  // namespace

Parsed parse_command_line(int argc, const char* const* argv) {
  Parsed out;
  Cli& cli = out.cli;
  std::error_code no_folder;
  cli.cwd = std::filesystem::current_path(no_folder).string();
  const auto program = program_of(cli);
  CLI::App& app = *program;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", help_of(deepest(app)));
    out.exit = 0;
    return out;
  } catch (const CLI::CallForVersion&) {
    fmt::print("docktor {}\n", kVersion);
    out.exit = 0;
    return out;
  } catch (const CLI::ExtrasError&) {
    const CLI::App& at = deepest(app);
    auto extras = at.remaining();
    if (extras.empty()) extras = app.remaining(true);
    const std::string word = extras.empty() ? "?" : extras.front();
    out.exit = complain_at(unexpected(word, at), at);
    return out;
  } catch (const CLI::ParseError& e) {
    out.exit = complain_at(e.what(), deepest(app));
    return out;
  }
  if (!cli.run) {
    // A group without its command: show what there is; that is a mistake unless nothing at all was typed.
    const CLI::App& at = deepest(app);
    fmt::print(argc > 1 ? stderr : stdout, "{}", help_of(at));
    out.exit = argc > 1 ? kExitUsage : 0;
  }
  return out;
}

}  // namespace docktor
