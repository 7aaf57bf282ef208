// What a test does that needs something which is not on every machine.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

namespace docktor {

/// Whether nothing may be missing: DOCKTOR_REQUIRE_ALL=1, as .ci/run sets it.
inline bool every_test_must_run() {
  const char* all = std::getenv("DOCKTOR_REQUIRE_ALL");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return all && std::string_view(all) == "1";
}

}  // namespace docktor

/// Ends the test as skipped, with what is missing and how to get it; where every test must run, as failed. A macro, since only the
/// test's own function can return.
#define SKIP_FOR_WANT_OF(why)                            \
  do {                                                   \
    if (docktor::every_test_must_run()) FAIL() << (why); \
    GTEST_SKIP() << (why);                               \
  } while (false)
