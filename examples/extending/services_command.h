// The row of `docktor services`: what would stand in app/command_table.cc.
#pragma once

#include "app/command_table.h"

namespace docktor {

extern const CommandRow kServicesCommand;

}  // namespace docktor
