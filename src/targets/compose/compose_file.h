// What docktor reads out of Compose files: which services there are, how the project is called, what hinders
// scaling.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/result.h"
#include "docker/clone.h"

namespace docktor {

struct ComposeFileService {
  std::vector<Trap> traps;
  /// Not empty: only the Compose command can start replicas of it rightly, and why (secrets given inline,
  /// hooks).
  std::string needs_cli;
};

struct ComposeFiles {
  std::string name;  ///< top-level `name`, variables not replaced
  std::map<std::string, ComposeFileService> services;
  bool complete = true;  ///< false where `include` adds services that are not read here
};

/// Reads the files as Compose merges them, as far as scaling is concerned. Nothing is interpolated. Errors
/// name the file and the place: kNotFound, kInvalid.
Result<ComposeFiles> read_compose_files(const std::vector<std::string>& paths);

/// The project's name as Compose derives it: COMPOSE_PROJECT_NAME (environment, then .env beside the file),
/// the file's `name`, the folder's name in lower case with only letters, digits, - and _.
std::string derive_project_name(const std::string& compose_file,
                                const std::function<const char*(const char*)>& getenv);

/// A folder's name as Compose makes a project name of it.
std::string normal_project_name(std::string_view text);

}  // namespace docktor
