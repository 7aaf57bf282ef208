// Notifications as a shell: receivers are told of trouble, and of docktor's start and end.
#pragma once

#include "api/shell.h"

namespace docktor::notify {

std::unique_ptr<Shell> make_notify_shell(const ShellParts& parts);

}  // namespace docktor::notify
