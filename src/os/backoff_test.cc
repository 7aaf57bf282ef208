#include "os/backoff.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(Backoff, DoublesUpToTheLastAndBeginsAnewWhereItWasUpForAWhile) {
  Backoff b(milliseconds(100), seconds(1));
  for (const auto most : {milliseconds(100), milliseconds(200), milliseconds(400), milliseconds(800),
                          milliseconds(1000), milliseconds(1000)}) {
    const auto wait = b.next();
    EXPECT_GE(wait, most / 2);
    EXPECT_LE(wait, most);
  }
  b.was_up_since(steady_clock::now() + std::chrono::hours(1));
  EXPECT_GE(b.next(), milliseconds(500)) << "it was thrown out at once";
  b.was_up_since(steady_clock::now() - seconds(2));
  EXPECT_LE(b.next(), milliseconds(100));
}

}  // namespace
}  // namespace docktor
