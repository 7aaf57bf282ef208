// What docktor reads out of Compose files: which services there are, how the project is called, what hinders
// scaling.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "docker/clone.h"

namespace docktor {

/// A secret or config as a service uses it.
struct ComposeFileUse {
  std::string kind;      ///< "secret" or "config"
  std::string name;      ///< its name at the top level
  std::string path;      ///< where it is in the container
  std::string variable;  ///< its content comes from this variable of the environment; empty where it does not
  bool injected =
      false;  ///< the file says that the Compose command puts it into the container (no bind mount)
};

struct ComposeFileService {
  std::vector<Trap> traps;
  std::vector<ComposeFileUse> uses;
  /// Not empty: whatever a container looks like, only the Compose command can start replicas of it rightly,
  /// and why (hooks, the engine's socket with credentials).
  std::string needs_cli;
  std::vector<std::string> profiles;
};

struct ComposeFiles {
  std::string name;  ///< top-level `name`, variables not replaced
  std::map<std::string, ComposeFileService> services;
  bool complete = true;  ///< false where a file that is included or extended could not be read
};

/// Out of a model of the project: the files in one, as JSON. What `docker compose config --format json`
/// answers, with variables replaced or not, or load_compose_model. What is not of its kind is passed over.
ComposeFiles read_compose_model(const nlohmann::json& model);

/// The project's name as Compose derives it: COMPOSE_PROJECT_NAME (environment, then .env beside the file),
/// the file's `name` with its variables replaced, the folder's name in lower case with only letters, digits,
/// - and _. The folder is the one the path names: a link to it has a name of its own.
std::string derive_project_name(const std::string& compose_file,
                                const std::function<const char*(const char*)>& getenv);

/// A folder's name as Compose makes a project name of it.
std::string normal_project_name(std::string_view text);

}  // namespace docktor
