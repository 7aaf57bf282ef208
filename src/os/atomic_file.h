// Files that are whole or not there: written beside, synced, renamed.
#pragma once

#include <string>

#include "core/result.h"

namespace docktor {

/// What is on disk, should the machine lose its power, when write_atomically() has returned.
enum class OnDisk {
  kNew,       ///< the new file
  kEither,    ///< the old file or the new one, whole
  kNotKnown,  ///< the caller syncs many files together, by sync_files()
};

struct AtomicWrite {
  OnDisk then = OnDisk::kNew;
  unsigned mode = 0640;    ///< of the file
  bool as_it_was = false;  ///< the file must be there, and keeps its owner and mode: it is a user's own
};

/// Replaces `path` by `text`; on any failure the old file stays as it was. A folder that was removed is made anew.
Result<void> write_atomically(const std::string& path, const std::string& text, AtomicWrite how = {});

/// What was written to the file system of this folder is on disk when it returns.
void sync_files(const std::string& folder);

/// The whole file, at most `most` bytes. kNotFound when it is not there.
Result<std::string> read_file(const std::string& path, std::size_t most);

/// The folder that a path stands in; "." for a bare name.
std::string folder_of(const std::string& path);

/// As make_folder(), and refuses one that somebody else could have prepared or can change: neither it nor the
/// folder that it stands in may belong to another user than this one or root, or be writable for all (but for
/// one where each may remove only his own, as /tmp). kDenied says what to do.
Result<void> own_folder(const std::string& path);

/// Makes the folder and its parents with mode 0750; an existing one must be a folder.
Result<void> make_folder(const std::string& path);

}  // namespace docktor
