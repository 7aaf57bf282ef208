// The record on disk of a service's process replicas: what the next docktor adopts them by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "os/proc.h"
#include "targets/process/process_spec.h"

namespace docktor {

struct RecordedReplica {
  std::string id;
  std::string token;  ///< DOCKTOR_TOKEN of its environment: <pool>/<id>/<random>
  ProcessIdentity process;
  bool stopping = false;
  std::int64_t kill_at_ms = 0;  ///< when stopping: CLOCK_MONOTONIC, which all of a boot share
  int restarts = 0;
  std::string fingerprint;  ///< of the ProcessSpec that it was started with
  std::string output;       ///< path of its output file; may be empty
};

struct ProcessRecord {
  std::string boot;
  std::string says_ready;  ///< the fingerprint of replicas that say READY=1; may be empty
  std::vector<RecordedReplica> replicas;
};

std::string to_text(const ProcessRecord& record);

/// kInvalid where the text is no record. One absurd value spoils the whole: half a record is not trusted.
Result<ProcessRecord> record_from_text(const std::string& text);

/// Stable hash of what makes a replica outdated when it changes: command, directory, environment.
std::string fingerprint(const ProcessSpec& spec);

/// A file's name for a service: characters that a file's name should not have become %XX.
std::string file_name(const std::string& service);

/// 2 × `bytes` hex digits that nobody can guess.
std::string random_hex(std::size_t bytes);

/// What stands for a state folder: random, written at once, so that thousands of services cost one sync. A
/// missing or spoilt file is made anew. `kept` says whether it is on disk.
std::string folder_identity(const std::string& folder, Result<void>& kept);
std::string folder_identity_path(const std::string& folder);

/// What the tokens of all replicas of one service and state folder begin with: a replica can be found by its
/// environment even if its own record never reached the disk.
std::string pool_identity(const std::string& folder_identity, const std::string& service);

/// The identity that a service's file has; nothing where it is missing or spoilt.
std::optional<std::string> read_identity(const std::string& path);

/// Of the record and of the folder's identity: nobody else's business.
inline constexpr unsigned kRecordMode = 0600;
inline constexpr std::size_t kMaxRecordBytes = 16 << 20;

}  // namespace docktor
