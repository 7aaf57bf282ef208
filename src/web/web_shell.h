// Page, metrics and API over HTTP as a shell: the site, its unix socket, and where the configuration says so a port.
#pragma once

#include "api/shell.h"

namespace docktor::web {

std::unique_ptr<Shell> make_web_shell(const ShellParts& parts);

}  // namespace docktor::web
