// GoogleTest's main, but that a skipped test does not hide within a program that is one test to ctest: where
// every test must run (DOCKTOR_REQUIRE_ALL=1, as .ci/run sets it) a skip is a failure, and a program that ran
// nothing is "skipped".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string_view>

#include "tests/support/missing.h"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  const auto& all = *testing::UnitTest::GetInstance();
  if (failed != 0 || all.skipped_test_count() == 0) return failed;
  if (docktor::every_test_must_run()) {
    std::fprintf(stderr, "%d tests were skipped; DOCKTOR_REQUIRE_ALL=1 makes that an error\n",
                 all.skipped_test_count());
    return 1;
  }
  return all.skipped_test_count() == all.test_to_run_count() ? 77 : 0;
}
