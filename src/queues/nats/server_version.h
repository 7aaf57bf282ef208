// Which nats-server answers at an address: nats.c does not tell.
#pragma once

#include <string>

#include "core/time.h"

namespace docktor {

/// "2.10.27", from the greeting that a server sends before anything else; empty when there is none in time (a
/// server that begins with TLS). `address`: "nats://127.0.0.1:4222". Blocking.
std::string server_version(const std::string& address, Duration timeout);

/// Why no connection to the address comes about: "connection refused", "there is no such host", "no answer".
/// Empty when one does. nats.c says only that no server is available. Blocking.
std::string why_unreachable(const std::string& address, Duration timeout);

/// The version in the greeting `INFO {...}`; empty where there is none. Pure.
std::string version_in_greeting(const std::string& line);

}  // namespace docktor
