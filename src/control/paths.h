// Where an instance keeps state, lock, logs and journal: the XDG folders, for root the system's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/result.h"

namespace docktor {

/// The roots of all instances. Nothing in a shared temporary folder is trusted.
struct Folders {
  std::string state;    ///< /var/lib/docktor, or $XDG_STATE_HOME/docktor (~/.local/state/docktor)
  std::string runtime;  ///< /run/docktor, or $XDG_RUNTIME_DIR/docktor, or state/run where there is none
  std::string log;      ///< /var/log/docktor, or state/log
};

/// DOCKTOR_STATE_DIR, DOCKTOR_RUNTIME_DIR and DOCKTOR_LOG_DIR come before all else. `get` reads the
/// environment.
Result<Folders> find_folders(const std::function<const char*(const char*)>& get, bool root);

/// An instance is its configuration's path.
struct Instance {
  std::string config;  ///< absolute, symbolic links resolved where it exists
  std::string name;    ///< "nats-multi-3f2a9c1b": the folder's name and a hash of the path
  std::string state_dir;
  std::string runtime_dir;
  std::string log_dir;

  std::string lock_file() const { return runtime_dir + "/lock"; }
  std::string socket_file() const { return runtime_dir + "/control.sock"; }
  std::string http_socket_file() const { return runtime_dir + "/http.sock"; }
  std::string log_file() const { return log_dir + "/docktor.log"; }
  std::string journal_file() const { return log_dir + "/decisions.jsonl"; }
};

Instance instance_of(const Folders& folders, const std::string& config_path);

/// Stable 32-bit hash as eight hex digits, for names of files.
std::string short_hash(const std::string& text);

}  // namespace docktor
