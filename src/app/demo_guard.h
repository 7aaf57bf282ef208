// Sees to it that a demo leaves nothing behind: no process and no folder, however it ends.
#pragma once

#include <functional>
#include <string>

#include "core/result.h"

namespace docktor {

/// A folder of our own with mode 0700, in $XDG_RUNTIME_DIR, else the user's cache, never in a shared
/// temporary folder.
Result<std::string> make_private_folder(const std::string& prefix);

/// Ends every process that this one, or one that it started, has started, wherever they were moved since.
/// Needs to be the subreaper of them all, so that none slips away to init.
void end_descendants();

/// Makes a private folder, runs `body` with it in a child process with a session of its own, removes the
/// folder, and returns the body's exit code (128 + n after signal n; 1 when there can be no folder, with a
/// message).
///
/// Both processes are subreapers, and each cleans up after the other: the parent when the child ended (or was
/// killed), the child when the parent did. SIGINT to the parent reaches the child as such, SIGTERM, SIGHUP
/// and SIGQUIT as SIGTERM, a second one kills it. The child has these blocked: it reads them from a signalfd.
/// No thread may exist yet.
int run_guarded(const std::string& prefix, const std::function<int(const std::string& folder)>& body);

}  // namespace docktor
