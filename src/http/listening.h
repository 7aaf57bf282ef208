// A socket that listens, on the network or at a path.
#pragma once

#include <string>

#include "core/result.h"
#include "os/fd.h"

namespace docktor::http {

struct ListeningSocket {
  Fd fd;
  std::string shown;  ///< for messages
  std::string path;   ///< of a unix socket; whoever ends removes it
  int port = 0;
  bool loopback = false;
};

/// HttpListener::listen()'s address. A path may be longer than a socket's address holds.
Result<ListeningSocket> listening_socket(const std::string& at);

}  // namespace docktor::http
