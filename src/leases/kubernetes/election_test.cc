// Who leads, by clocks that need not agree.
#include "leases/kubernetes/election.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace docktor {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart = Time(1000s);

LeaseRecord held_by(const std::string& holder, const std::string& renewed) {
  return {.holder = holder, .length = 15s, .acquired = "a", .renewed = renewed, .transitions = 4};
}

TEST(ElectionTest, WhatIsFreeIsTakenAndHeldFromWhenTheRequestWentOut) {
  Election e("me", 15s, 10s, 2s);
  e.saw(std::nullopt, kStart);
  ASSERT_TRUE(e.may_take(kStart));
  EXPECT_FALSE(e.term(kStart));
  const auto r = e.taken("2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(r.holder, "me");
  EXPECT_EQ(r.transitions, 0u);
  e.wrote(r, kStart);
  EXPECT_EQ(e.term(kStart + 3s), (LeaseTerm{kStart + 10s, kStart + 15s}));
  EXPECT_TRUE(e.term(kStart + 10s - 1ns));
  EXPECT_FALSE(e.term(kStart + 10s)) << "a process that was stopped learns it by the clock alone";
}

TEST(ElectionTest, AnothersLeaseIsTakenOnlyAfterItStoodStillForItsLengthByThisClock) {
  Election e("me", 15s, 10s, 2s);
  e.saw(held_by("other", "1970-01-01T00:00:00.000000Z"), kStart);  // whatever time it tells
  EXPECT_FALSE(e.may_take(kStart + 14s));
  e.saw(held_by("other", "1970-01-01T00:00:02.000000Z"), kStart + 14s);
  EXPECT_FALSE(e.may_take(kStart + 28s));
  EXPECT_EQ(e.free_at(), kStart + 29s);
  e.saw(held_by("other", "1970-01-01T00:00:02.000000Z"), kStart + 29s);
  ASSERT_TRUE(e.may_take(kStart + 29s));
  const auto r = e.taken("now");
  EXPECT_EQ(r.transitions, 5u);
  EXPECT_EQ(r.acquired, "now");
}

TEST(ElectionTest, ARenewalIsSeenSoonAndWhoeverHasDiedIsFollowedWithoutDelay) {
  for (int phase = 0; phase < 20; ++phase) {
    Election e("me", 15s, 10s, 2s);
    const Time first = kStart + phase * 100ms;  // renewed then, and each 2 s
    const auto last = first + 200s;
    const auto renewed = [&](Time now) { return std::min(now < first ? 0 : (now - first) / 2s, 100L); };
    int looks = 0;
    Duration latest{};
    Time now = kStart;
    for (long seen = -1;; now = e.look_at(now), ++looks) {
      const auto there = renewed(now);
      e.saw(held_by("other", std::to_string(there)), now);
      if (e.may_take(now)) break;
      if (there > 5 && there != seen) latest = std::max(latest, now - (first + there * 2s));
      seen = there;
    }
    EXPECT_LE(latest, 250ms) << phase;
    EXPECT_LE(looks, 180) << phase;
    EXPECT_LE(now, last + 15s + 250ms) << phase;
    EXPECT_GE(now, last + 15s) << phase;
  }
}

TEST(ElectionTest, WhoeverGivesItUpIsFollowedAtOnce) {
  Election e("me", 15s, 10s, 2s);
  e.saw(held_by("other", "t"), kStart);
  e.saw(e.given_up("u"), kStart + 1s);
  EXPECT_TRUE(e.may_take(kStart + 1s));
}

TEST(ElectionTest, WhoeverSeesAnotherHolderHoldsNothing) {
  Election e("me", 15s, 10s, 2s);
  e.saw(std::nullopt, kStart);
  e.wrote(e.taken("a"), kStart);
  e.saw(held_by("other", "t"), kStart + 1s);
  EXPECT_FALSE(e.term(kStart + 1s));
  EXPECT_FALSE(e.mine());
}

TEST(ElectionTest, ALeaseThatNobodyTookMeanwhileIsGoneOnWithInTheSameEpoch) {
  Election e("me", 15s, 10s, 2s);
  e.saw(std::nullopt, kStart);
  e.wrote(e.taken("a"), kStart);
  ASSERT_TRUE(e.may_take(kStart + 60s));
  EXPECT_FALSE(e.term(kStart + 60s));
  const auto r = e.taken("b");
  EXPECT_EQ(r.transitions, 0u);
  EXPECT_EQ(r.acquired, "a");
  e.wrote(r, kStart + 60s);
  EXPECT_TRUE(e.term(kStart + 61s));
}

TEST(ElectionTest, OddFieldsAreAbsentAndNoLengthIsForEver) {
  const auto read = [](const char* text) { return read_lease(nlohmann::json::parse(text)); };
  EXPECT_FALSE(read(R"({"kind": "List"})"));
  const auto empty = read(R"({"metadata": {"name": "x"}})");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->holder, "");
  EXPECT_EQ(empty->length, 1s);
  const auto odd = read(
      R"({"metadata": {}, "spec": {"holderIdentity": 7, "leaseDurationSeconds": 999999999, "leaseTransitions": -3}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->holder, "");
  EXPECT_EQ(odd->length, 1h);
  EXPECT_EQ(odd->transitions, 0u);
}

TEST(ElectionTest, WhatOthersWroteIntoTheObjectStays) {
  const auto object = nlohmann::json::parse(
      R"({"metadata": {"name": "x", "labels": {"a": "b"}, "resourceVersion": "7"}, "spec": {"strategy": "OldestEmulationVersion"}})");
  const auto out = write_lease(object, "x", held_by("me", "t"));
  EXPECT_EQ(out["metadata"], object["metadata"]);
  EXPECT_EQ(out["spec"]["strategy"], "OldestEmulationVersion");
  EXPECT_EQ(out["spec"]["leaseDurationSeconds"], 15);
}

TEST(ElectionTest, PeopleSeeTheNameWithoutItsSuffix) {
  EXPECT_EQ(holder_name("docktor-7d9f_0a1b2c3d"), "docktor-7d9f");
  EXPECT_EQ(holder_name("kube_scheduler"), "kube_scheduler");
  EXPECT_EQ(holder_name("pod_9f1c-77"), "pod_9f1c-77");
  EXPECT_EQ(holder_name("bad\n\x1b[31mname"), "bad  [31mname");
}

}  // namespace
}  // namespace docktor
