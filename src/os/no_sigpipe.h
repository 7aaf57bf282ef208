// For threads that write to sockets through a library.
#pragma once

#include <signal.h>

namespace docktor {

/// A server that closes while this thread writes must not end the process.
inline void no_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace docktor
