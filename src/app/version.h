// The program's version, from the build.
#pragma once

namespace docktor {
#ifndef DOCKTOR_VERSION
#define DOCKTOR_VERSION "0.0.0"
#endif
inline constexpr const char* kVersion = DOCKTOR_VERSION;
}  // namespace docktor
