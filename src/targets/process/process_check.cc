// What `config validate` asks about a process target.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "targets/process/process.h"
#include "targets/process/process_record.h"
#include "targets/process/process_scan.h"

namespace docktor {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

Finding ok(std::string what) { return {Severity::kOk, std::move(what), ""}; }

// find_command's message ends in the cure.
Finding not_found(Severity severity, const std::string& message) {
  const auto split = message.rfind("; ");
  if (split == std::string::npos) return {severity, message, "correct target.command"};
  return {severity, message.substr(0, split), message.substr(split + 2)};
}

// The program that a shell would run first, where that can be told without being a shell; else empty.
std::string first_program(std::string_view text) {
  constexpr std::array<std::string_view, 24> kShellsOwn{
      "cd",   "exec", "export", "set", "if",   "for",   "while", "until", "case", "trap", "umask", "ulimit",
      "test", "[",    ":",      ".",   "true", "false", "echo",  "eval",  "exit", "read", "unset", "wait"};
  while (true) {
    const auto start = text.find_first_not_of(" \t\n");
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start);
    const auto word = text.substr(0, text.find_first_of(" \t\n;&|"));
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+:@,";
    if (word == "exec") {
      text.remove_prefix(word.size());
      continue;
    }
    if (word.find_first_not_of(kPlain) != std::string_view::npos) return {};
    if (std::ranges::find(kShellsOwn, word) != kShellsOwn.end()) return {};
    return std::string(word);
  }
}

bool runs_by_shell(const std::vector<std::string>& command) {
  return command.size() == 3 && command[1] == "-c" && (command[0] == "/bin/sh" || command[0] == "sh");
}

Finding check_directory(const std::string& directory) {
  struct stat s{};
  if (::stat(directory.c_str(), &s) != 0) {
    return {Severity::kError, fmt::format("directory {}: {}", directory, std::strerror(errno)),
            "make it, or correct target.directory"};
  }
  if (!S_ISDIR(s.st_mode)) {
    return {Severity::kError, fmt::format("directory {} is a file", directory), "correct target.directory"};
  }
  if (::access(directory.c_str(), X_OK) != 0) {
    return {Severity::kError, fmt::format("directory {}: {}", directory, std::strerror(errno)),
            fmt::format("let this user enter it: chmod +x {}", directory)};
  }
  return ok(fmt::format("directory {} exists", directory));
}

// A folder that is not there yet is made when it is needed: what counts is the nearest one above it.
Finding check_writable(const char* what, const std::string& path) {
  std::string at = path;
  while (true) {
    struct stat s{};
    if (::stat(at.c_str(), &s) == 0) {
      if (S_ISDIR(s.st_mode) && ::access(at.c_str(), W_OK | X_OK) == 0)
        return ok(fmt::format("{} {} can be written", what, path));
      return {Severity::kWarning,
              fmt::format("{} {} cannot be written ({} is not a writable folder)", what, path, at),
              "give this user the right to write there"};
    }
    const auto slash = at.rfind('/');
    if (slash == std::string::npos || at.size() <= 1) break;
    at = slash == 0 ? "/" : at.substr(0, slash);
  }
  return {Severity::kWarning, fmt::format("{} {} cannot be made", what, path), "make it"};
}

}  // namespace

std::vector<Finding> check_process_target(const ProcessOptions& options) {
  std::vector<Finding> findings;
  const auto& spec = options.spec;
  if (spec.command.empty() || spec.command.front().empty()) {
    findings.push_back(
        {Severity::kError, "the command is empty", "write the program to run in target.command"});
    return findings;
  }
  if (!spec.directory.empty()) findings.push_back(check_directory(spec.directory));

  std::string path(kDefaultPath);
  const auto inherited = options.inherited ? *options.inherited : inherited_environment();
  if (const auto it = inherited.find("PATH"); it != inherited.end()) path = it->second;
  if (const auto it = spec.environment.find("PATH"); it != spec.environment.end()) path = it->second;
  const auto found = find_command(spec.command.front(), spec.directory, path);
  if (!found) {
    findings.push_back(not_found(Severity::kError, found.error().message));
  } else if (!runs_by_shell(spec.command)) {
    findings.push_back(ok(fmt::format("command {} can be executed", *found)));
  } else if (const auto program = first_program(spec.command[2]); !program.empty()) {
    const auto inner = find_command(program, spec.directory, path);
    // Only a warning: a shell knows functions and files that a look from outside does not.
    if (inner)
      findings.push_back(ok(fmt::format("command {} can be executed", *inner)));
    else
      findings.push_back(not_found(Severity::kWarning, inner.error().message));
  }
  findings.push_back(check_writable("state folder", options.state_directory));
  findings.push_back(check_writable("log folder", options.log_directory));
  return findings;
}

Result<int> count_process_replicas(const ProcessOptions& options) {
  const auto path = options.state_directory + "/" + file_name(options.service) + ".pool";
  std::ifstream file(path);
  std::string identity;
  if (!(file >> identity)) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return 0;  // no docktor ever started one
    return fail(ErrorCode::kDenied, fmt::format("{}: cannot be read", path));
  }
  int n = 0;
  for (const auto& [token, processes] : find_by_pool(identity)) {
    n += std::ranges::any_of(processes, [](const ProcessStat& s) { return s.identity.pid == s.group; });
  }
  return n;
}

}  // namespace docktor
