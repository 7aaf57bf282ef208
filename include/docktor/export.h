// What the shared library shows; everything else in it is hidden.
#pragma once

#if defined(__GNUC__)
#define DOCKTOR_EXPORT __attribute__((visibility("default")))
#define DOCKTOR_HIDDEN __attribute__((visibility("hidden")))
#else
#define DOCKTOR_EXPORT
#define DOCKTOR_HIDDEN
#endif
