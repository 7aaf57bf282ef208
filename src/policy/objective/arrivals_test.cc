// What is believed of the arrivals where samples do not come at their pace.
#include "policy/objective/arrivals.h"

#include <gtest/gtest.h>

#include <chrono>

namespace docktor::objective {
namespace {

using std::chrono::milliseconds;

TEST(Arrivals, ABatchThatWokeDocktorIsNoHighRate) {
  constexpr double kShortest = 0.3;
  Arrivals fresh(kShortest), woken(kShortest);
  Time at = time_at(1000);
  for (int i = 0; i < 20; ++i) woken.add({at += milliseconds(600), milliseconds(600), i % 10 ? 0.0 : 5.0});
  at += milliseconds(20);
  for (auto* a : {&fresh, &woken}) {
    a->add({at, milliseconds(20), 30});
    EXPECT_LE(a->level(), 30 / kShortest);
  }
  EXPECT_LT(woken.level(), 50);
  EXPECT_LT(woken.rate_since(at - milliseconds(1)).first, 60);
  // Samples at their pace that say the same are believed.
  for (int i = 0; i < 10; ++i) woken.add({at += milliseconds(600), milliseconds(600), 600});
  EXPECT_GT(woken.level(), 800);
}

}  // namespace
}  // namespace docktor::objective
