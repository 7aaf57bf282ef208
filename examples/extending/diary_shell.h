// The maker of the diary: what would stand in a row of app/shells.cc.
#pragma once

#include <memory>

#include "api/shell.h"

namespace docktor {

std::unique_ptr<Shell> make_diary_shell(const ShellParts& parts);

}  // namespace docktor
