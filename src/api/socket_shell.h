// The control socket as a shell: what commands ask.
#pragma once

#include "api/shell.h"

namespace docktor {

std::unique_ptr<Shell> make_socket_shell(const ShellParts& parts);

}  // namespace docktor
