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

// What no slot has came no earlier than the queue was last seen without it.
TEST(Arrivals, WhatWaitsIsNoOlderThanWhatWasSeenToWait) {
  Arrivals a;
  Time at = time_at(1000);
  for (int i = 0; i < 60; ++i) {  // a minute of silence
    a.see(at += std::chrono::seconds(1), 0);
    a.add({at, std::chrono::seconds(1), 0});
  }
  a.see(at += std::chrono::seconds(1), 5);  // its counters do not tell of them yet
  a.see(at += std::chrono::seconds(1), 40);
  std::vector<Waiting> waiting;
  a.waiting(40, at, waiting);
  double count = 0;
  for (const auto& w : waiting) {
    EXPECT_LE(w.oldest, count < 5 ? 2 : 1);
    EXPECT_LE(w.newest, w.oldest);
    count += w.count;
  }
  EXPECT_EQ(count, 40);
  EXPECT_DOUBLE_EQ(waiting.front().oldest, 2);
  a.forget_seen();
  a.waiting(40, at, waiting);
  EXPECT_DOUBLE_EQ(waiting.front().oldest, 62) << "nothing is known of them";
}

// Where the arrivals are known each message is as old as they say, and one run stays one.
TEST(Arrivals, WhatIsKnownOfArrivalsStandsAsItIs) {
  Arrivals known, bounded;
  Time at = time_at(1000);
  double pending = 0;
  for (int i = 0; i < 100; ++i) {
    at += milliseconds(500);
    const double came = i % 7, done = std::min(pending + came, i < 50 ? 2.0 : 4.0);
    pending += came - done;
    for (auto* a : {&known, &bounded}) a->add({at, milliseconds(500), came});
    bounded.see(at, pending);
    std::vector<Waiting> as_known, as_bounded;
    known.waiting(pending, at, as_known);
    bounded.waiting(pending, at, as_bounded);
    double sum = 0;
    for (const auto& w : as_bounded) sum += w.count;
    EXPECT_DOUBLE_EQ(sum, pending);
    if (pending == 0) continue;
    EXPECT_NEAR(as_bounded.front().oldest, as_known.front().oldest, 1e-9) << i;
    EXPECT_NEAR(as_bounded.back().newest, as_known.back().newest, 1e-9) << i;
  }
}

}  // namespace
}  // namespace docktor::objective
