// Bytes to and from a connected socket, for servers of tests that can be stopped at any moment.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

namespace docktor::test {

/// False where the other side is gone or `stop` came before everything was sent.
bool send_all(int fd, std::string_view text, const std::stop_token& stop);

/// Appends what comes next to `into`; false at the end or a stop.
bool receive(int fd, std::string& into, const std::stop_token& stop);

}  // namespace docktor::test
