#include "app/command_pages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <map>
#include <set>
#include <vector>

#include "app/command_table.h"

namespace docktor {
namespace {

void replace_every(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

bool has_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// What stands for the option's value in a help: "FILE"; where it is one of a few, these: "dmr openai".
std::string value_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto set = type.find(":{");
  if (set == std::string::npos) return type;
  std::string values = type.substr(set + 2, type.size() - set - 3);
  replace_every(values, ",", " ");
  return values;
}

bool several(const std::string& values) { return values.find(' ') != std::string::npos; }

// "-c", "--config": as they are typed.
std::vector<std::string> as_typed(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const auto& name : option.get_snames()) flags.push_back("-" + name);
  for (const auto& name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

const CLI::App& command_at(const CLI::App& program, std::string_view path) {
  const auto blank = path.find(' ');
  const CLI::App& command = *program.get_subcommand(std::string(path.substr(0, blank)));
  return blank == std::string_view::npos ? command : command_at(command, path.substr(blank + 1));
}

std::string for_roff(std::string text) {
  replace_every(text, "\\", "\\e");
  replace_every(text, "-", "\\-");
  return text;
}

// A sentence a line, `what is typed` in bold.
std::string roff_prose(const std::string& text) {
  std::string out;
  bool bold = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '`')
      out += (bold = !bold) ? "\\fB" : "\\fR";
    else
      out += c == '-' ? "\\-" : std::string(1, c);
    if (c == ',' && i + 1 < text.size() && text[i + 1] != ' ') out += "\\:";  // a long list may break here
  }
  if (!out.ends_with('.')) out += '.';
  replace_every(out, ". ", ".\n");
  return (out.starts_with('.') || out.starts_with('\'') ? "\\&" : "") + out + "\n";
}

std::string positionals(const CLI::App& command) {
  std::string out;
  for (const auto* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const auto name = fmt::format("\\fI{}\\fR", option->get_name(true));
    out += option->get_required() ? " " + name : fmt::format(" [{}]", name);
  }
  return out;
}

// The tag of a flag or a word in a list: "-n, --tail N".
std::string roff_tag(const CLI::Option& option) {
  if (option.get_positional()) return fmt::format("\\fI{}\\fR", option.get_name(true));
  std::vector<std::string> flags;
  for (const auto& flag : as_typed(option)) flags.push_back(fmt::format("\\fB{}\\fR", for_roff(flag)));
  std::string out = fmt::format("{}", fmt::join(flags, ", "));
  if (!has_value(option)) return out;
  std::string value = value_of(option);
  if (!several(value)) return fmt::format("{} \\fI{}\\fR", out, value);
  replace_every(value, " ", "\\fR|\\fB");
  return fmt::format("{} \\fB{}\\fR", out, value);
}

std::string synopsis(const CLI::App& program) {
  std::string out;
  for (const auto& row : command_table()) {
    if (!row.run) continue;
    if (!out.empty()) out += ".br\n";
    out += fmt::format(".B docktor {} \\fR[\\fIOPTION\\fR]...{}\n", for_roff(std::string(row.path)),
                       positionals(command_at(program, row.path)));
  }
  return out;
}

// --config and --help mean the same everywhere: the template tells them once.
bool told_once(const CLI::Option& option) {
  return option.check_name("--config") || option.check_name("--help");
}

std::string commands(const CLI::App& program) {
  std::string out;
  for (const auto& row : command_table()) {
    if (!row.run) continue;
    const CLI::App& command = command_at(program, row.path);
    out += fmt::format(".TP\n.B {}{}\n", for_roff(std::string(row.path)), positionals(command));
    out += roff_prose(row.does);
    if (row.more) out += roff_prose(row.more);
    std::string list;
    for (const auto* option : command.get_options()) {
      if (!told_once(*option))
        list += fmt::format(".TP\n{}\n{}", roff_tag(*option), roff_prose(option->get_description()));
    }
    if (!list.empty()) out += fmt::format(".RS\n.PD 0\n{}.RE\n.PD\n", list);
  }
  return out;
}

// Alternatives of a `case`, some a line.
std::string alternatives(const std::set<std::string>& flags) {
  std::string out;
  std::size_t in_line = 0;
  for (const auto& flag : flags) {
    if (!out.empty()) out += in_line % 10 == 0 ? " | \\\n        " : " | ";
    out += flag;
    ++in_line;
  }
  return out;
}

void add_words(const CLI::App& command, std::string_view path, std::string& out) {
  std::vector<std::string> words;
  for (const auto* sub : command.get_subcommands({})) words.push_back(sub->get_name());
  bool service = false;
  for (const auto* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) words.push_back("--" + name);
    service = service || option->get_name(true) == "SERVICE";
  }
  // Words that stand behind a command are its own, unless it is a group.
  const bool group = !command.get_subcommands({}).empty();
  out += group ? fmt::format("    '{}')", path) : fmt::format("    '{0}' | '{0} '*)", path);
  out += fmt::format(" words=\"{}{}\" ;;\n", fmt::join(words, " "),
                     service ? " $(_docktor_services \"$config\")" : "");
}

}  // namespace

std::string man_page(std::string page) {
  Cli cli;
  const auto program = program_of(cli);
  replace_every(page, "@SYNOPSIS@\n", synopsis(*program));
  replace_every(page, "@COMMANDS@\n", commands(*program));
  return page;
}

std::string bash_completion(std::string script) {
  Cli cli;
  const auto program = program_of(cli);
  std::map<std::string, std::set<std::string>> flags;  // by what stands for their value
  std::set<std::string> with_value;
  std::string words;
  add_words(*program, "", words);
  for (const auto& row : command_table()) {
    const CLI::App& command = command_at(*program, row.path);
    add_words(command, row.path, words);
    for (const auto* option : command.get_options()) {
      if (!has_value(*option)) continue;
      for (const auto& flag : as_typed(*option)) {
        flags[value_of(*option)].insert(flag);
        with_value.insert(flag);
      }
    }
  }
  std::string choices;
  for (const auto& [value, of] : flags) {
    if (several(value))
      choices += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\"); return ;;\n",
                             alternatives(of), value);
  }
  replace_every(script, "@SERVICES@", alternatives(flags["SERVICE"]));
  replace_every(script, "@FILES@", alternatives(flags["FILE"]));
  replace_every(script, "@VALUES@", alternatives(with_value));
  replace_every(script, "@CHOICES@\n", choices);
  replace_every(script, "@WORDS@\n", words);
  return script;
}

}  // namespace docktor
