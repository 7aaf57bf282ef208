#include "core/host.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/limits.h"
#include "core/record.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;

constexpr double kGiB = 1024.0 * 1024 * 1024;

HostClaim claim(int current, std::optional<double> memory, std::optional<double> cpu = {}) {
  HostClaim c;
  c.place = HostPlace::kBeside;
  c.current = current;
  c.memory = memory;
  c.cpu = cpu;
  return c;
}

HostFigures with_memory(double total, double available) {
  HostFigures f;
  f.memory.push_back({total, available, true});
  return f;
}

HostFigures with_cpu(double cores, double busy) {
  HostFigures f;
  f.cpu.push_back({cores, busy, true});
  return f;
}

HostShare share_of(const std::vector<HostClaim>& claims) {
  HostShare share;
  for (const auto& c : claims) share.add(c);
  return share;
}

TEST(HostMemory, WhatIsAvailableBeyondTheReserveIsShared) {
  const auto share = share_of({claim(2, kGiB)});
  const auto room = share.rooms(0, with_memory(10 * kGiB, 4.5 * kGiB), {}).memory;
  ASSERT_TRUE(room);
  EXPECT_EQ(room->most, 5);
  EXPECT_EQ(
      room->why,
      "this host has 4.5 GiB of 10 GiB memory available and keeps 1 GiB in reserve; a replica needs 1 GiB");
}

TEST(HostMemory, NothingToSpareIsNoReasonToHaveFewer) {
  const auto share = share_of({claim(7, kGiB)});
  EXPECT_EQ(share.rooms(0, with_memory(10 * kGiB, 0), {}).memory->most, 7);
}

TEST(HostMemory, TheFirstReplicaIsNotHeldUp) {
  const auto share = share_of({claim(0, kGiB)});
  EXPECT_EQ(share.rooms(0, with_memory(10 * kGiB, 0), {}).memory->most, 1);
}

TEST(HostMemory, ReplicasThatDoNotShowTheirMemoryYetAreCounted) {
  auto others = claim(3, 2 * kGiB);
  others.memory_to_come = 3 * kGiB;
  const auto share = share_of({claim(1, kGiB), others});
  EXPECT_EQ(share.rooms(0, with_memory(10 * kGiB, 6 * kGiB), {}).memory->most, 3);
}

TEST(HostMemory, AHigherPriorityIsOwedWhatItWantsAndEverybodyItsMin) {
  auto high = claim(1, kGiB);
  high.priority = 1;
  high.wanted = 4;
  auto equal = claim(0, kGiB);
  equal.min = 1;
  equal.wanted = 9;
  const auto share = share_of({claim(1, kGiB), high, equal});
  const auto figures = with_memory(10 * kGiB, 8 * kGiB);  // 7 to spare
  EXPECT_EQ(share.rooms(0, figures, {}).memory->most, 1 + 7 - 3 - 1);
  EXPECT_EQ(share.rooms(1, figures, {}).memory->most, 1 + 7 - 1);
}

TEST(HostMemory, AMachineThatOnlyReclaimsGetsNoMore) {
  auto figures = with_memory(10 * kGiB, 9 * kGiB);
  figures.memory_stalled = 12;
  const auto room = share_of({claim(4, {})}).rooms(0, figures, {}).memory;
  ASSERT_TRUE(room);
  EXPECT_EQ(room->most, 4);
  EXPECT_NE(room->why.find("12% of the last 10 s"), std::string::npos);
}

TEST(HostMemory, ADocktorsOwnGroupBoundsItsChildrenAlone) {
  auto figures = with_memory(100 * kGiB, 90 * kGiB);
  figures.memory.push_back({2 * kGiB, kGiB, false});
  auto container = claim(1, 0.5 * kGiB);
  container.place = HostPlace::kThisHost;
  const auto share = share_of({claim(1, 0.5 * kGiB), container});
  EXPECT_EQ(share.rooms(0, figures, {}).memory->most, 2);
  EXPECT_NE(share.rooms(0, figures, {}).memory->why.find("docktor's control group"), std::string::npos);
  EXPECT_GT(share.rooms(1, figures, {}).memory->most, 100);
}

TEST(HostCpu, TwoCoresCarryTwoThatBurn) {
  auto one = claim(1, {}, 1.0);
  one.cpu_used = 1;
  EXPECT_EQ(share_of({one}).rooms(0, with_cpu(2, 1.0), {}).cpu->most, 2);
  auto two = claim(2, {}, 1.0);
  two.cpu_used = 1.9;
  const auto room = share_of({two}).rooms(0, with_cpu(2, 1.9), {}).cpu;
  ASSERT_TRUE(room);
  EXPECT_EQ(room->most, 2);
  EXPECT_EQ(
      room->why,
      "this host has 2 cores, replicas use 1.9 of them, and a replica needs 1.0: more would not work faster");
}

TEST(HostCpu, WhoBurnedBeforeIsBoundOnAnIdleMachineToo) {
  EXPECT_LE(share_of({claim(0, {}, 1.0)}).rooms(0, with_cpu(2, 0.0), {}).cpu->most, 3);
}

TEST(HostCpu, WhoSleepsIsNotBound) {
  auto busy = claim(8, {}, 1.0);
  busy.cpu_used = 2;
  EXPECT_FALSE(share_of({claim(5, {}, 0.01), busy}).rooms(0, with_cpu(2, 2.0), {}).cpu);
}

TEST(HostCpu, OthersLeaveReplicasHalfOfTheCores) {
  auto own = claim(1, {}, 0.2);
  own.cpu_used = 0.2;
  EXPECT_EQ(share_of({own}).rooms(0, with_cpu(4, 4.0), {}).cpu->most, 1 + 8);  // 3.8 - 2 - 0.2, by 0.2
}

TEST(Host, WhatIsNotKnownBoundsNothing) {
  const auto unknown = share_of({claim(3, {}, {})});
  HostFigures all = with_memory(kGiB, 0);
  all.cpu.push_back({2, 2, true});
  EXPECT_FALSE(unknown.rooms(0, all, {}).memory);
  EXPECT_FALSE(unknown.rooms(0, all, {}).cpu);
  const auto known = share_of({claim(3, kGiB, 1.0)});
  EXPECT_FALSE(known.rooms(0, {}, {}).memory);
  EXPECT_FALSE(known.rooms(0, {}, {}).cpu);
  EXPECT_FALSE(known.rooms(0, all, {.enabled = false}).memory);
  auto elsewhere = claim(3, kGiB, 1.0);
  elsewhere.place = HostPlace::kElsewhere;
  EXPECT_FALSE(share_of({elsewhere}).rooms(0, all, {}).memory);
}

class Needs : public testing::Test {
 protected:
  static Replica replica(const std::string& id, double since) {
    Replica r;
    r.id = id;
    r.state = ReplicaState::kReady;
    r.since = time_at(since);
    return r;
  }
  static ReplicaUsage usage(const std::string& id, double cpu_percent, std::optional<double> memory) {
    ReplicaUsage u;
    u.id = id;
    u.cpu = cpu_percent;
    u.mem = memory;
    return u;
  }
  HostClaim at(double now, const std::vector<Replica>& replicas, int current) const {
    HostClaim c;
    c.current = current;
    needs.claim(time_at(now), replicas, c);
    return c;
  }
  HostNeeds needs;
};

TEST_F(Needs, OfMemoryTheLargestSeenCountsAndOfCpuTheMean) {
  const std::vector<Replica> two = {replica("a", 0), replica("b", 0)};
  needs.seen(time_at(100), {usage("a", 40, 1e8), usage("b", 90, 3e8)}, two);
  const auto c = at(100, two, 2);
  EXPECT_EQ(c.memory, 3e8);
  EXPECT_DOUBLE_EQ(*c.cpu, 0.65);
  EXPECT_DOUBLE_EQ(c.cpu_used, 1.3);
  EXPECT_EQ(c.memory_to_come, 0);
}

TEST_F(Needs, WhatIsOrderedOrYoungIsStillToCome) {
  const std::vector<Replica> seen = {replica("a", 0), replica("young", 99)};
  needs.seen(time_at(100), {usage("a", 100, 3e8), usage("young", 10, 1e8)}, seen);
  auto all = seen;
  all.push_back(replica("new", 100));
  const auto c = at(100, all, 5);  // two more are ordered
  EXPECT_DOUBLE_EQ(c.memory_to_come, 2e8 + 3e8 + 2 * 3e8);
  EXPECT_DOUBLE_EQ(c.cpu_to_come, 0.9 + 1 + 2);
  EXPECT_DOUBLE_EQ(at(140, seen, 2).memory_to_come, 0) << "a replica may need less than another";
}

TEST_F(Needs, AStartIsNoMeasureOfTheWork) {
  const std::vector<Replica> one = {replica("a", 99)};
  needs.seen(time_at(100), {usage("a", 100, 1e8)}, one);
  EXPECT_FALSE(at(100, one, 1).cpu);
}

// Ten seconds of imports, then jobs that wait for others: a peak must not hold the service to as many as there are cores.
TEST_F(Needs, APeakOfCpuIsNoNeed) {
  const std::vector<Replica> one = {replica("a", 0)};
  for (int t = 4; t <= 10; ++t) needs.seen(time_at(t), {usage("a", 100, 1e8)}, one);
  EXPECT_DOUBLE_EQ(*at(10, one, 1).cpu, 1);
  for (int t = 11; t <= 70; ++t) needs.seen(time_at(t), {usage("a", 2, 1e8)}, one);
  EXPECT_LT(*at(70, one, 1).cpu, 0.2);
  needs.seen(time_at(71), {usage("a", 100, 1e8)}, one);  // garbage is collected
  EXPECT_LT(*at(71, one, 1).cpu, 0.2);
}

TEST_F(Needs, AnOldPeakIsForgotten) {
  const std::vector<Replica> one = {replica("a", 0)};
  needs.seen(time_at(100), {usage("a", 0, 8e8)}, one);
  for (int t = 110; t <= 100 + 3600; t += 10) needs.seen(time_at(t), {usage("a", 0, 1e8)}, one);
  EXPECT_DOUBLE_EQ(*at(3700, one, 1).memory, 1e8);
}

TEST_F(Needs, NothingSeenIsNothingKnown) {
  const auto c = at(100, {replica("a", 0)}, 3);
  EXPECT_FALSE(c.memory);
  EXPECT_FALSE(c.cpu);
  EXPECT_EQ(c.memory_to_come, 0);
}

// ---- Properties ----

HostClaim any_claim() {
  HostClaim c;
  c.place = *rc::gen::element(HostPlace::kBeside, HostPlace::kThisHost, HostPlace::kElsewhere);
  c.priority = *rc::gen::inRange(0, 3);
  c.min = *rc::gen::inRange(0, 3);
  c.current = *rc::gen::inRange(0, 6);
  c.wanted = *rc::gen::inRange(0, 30);
  if (*rc::gen::inRange(0, 5) > 0) c.memory = *rc::gen::inRange(1, 2000) * 1e6;
  if (*rc::gen::inRange(0, 5) > 0) c.cpu = *rc::gen::inRange(0, 150) / 100.0;
  c.memory_to_come = c.memory.value_or(0) * *rc::gen::inRange(0, c.current + 1);
  c.cpu_used = c.cpu.value_or(0) * *rc::gen::inRange(0, c.current + 1);
  return c;
}

HostFigures any_figures() {
  HostFigures f;
  for (const bool whole : {true, false}) {
    const double total = *rc::gen::inRange(1, 64) * kGiB;
    if (*rc::gen::inRange(0, 4) > 0)
      f.memory.push_back({total, total * *rc::gen::inRange(0, 101) / 100, whole});
    const double cores = *rc::gen::inRange(1, 32);
    if (*rc::gen::inRange(0, 4) > 0) f.cpu.push_back({cores, cores * *rc::gen::inRange(0, 101) / 100, whole});
  }
  if (*rc::gen::inRange(0, 4) == 0) f.memory_stalled = *rc::gen::inRange(0, 100);
  return f;
}

RC_GTEST_PROP(Host, BindsARiseAndNothingElse, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(1, 6);
  std::vector<HostClaim> claims(n);
  for (auto& c : claims) c = any_claim();
  const auto share = share_of(claims);
  const auto figures = any_figures();
  for (std::size_t i = 0; i < n; ++i) {
    const auto rooms = share.rooms(i, figures, {});
    for (const auto& room : {rooms.memory, rooms.cpu}) {
      RC_ASSERT(!room || room->most >= std::max(1, claims[i].current));
      RC_ASSERT(!room || !room->why.empty());
    }
  }
}

RC_GTEST_PROP(Host, MoreToSpareNeverLeavesLessRoom, ()) {
  const std::vector<HostClaim> claims = {any_claim(), any_claim(), any_claim()};
  const auto share = share_of(claims);
  const auto less = any_figures();
  auto more = less;
  for (auto& m : more.memory) m.available = std::min(m.total, m.available + *rc::gen::inRange(0, 4000) * 1e6);
  for (auto& c : more.cpu) c.busy = std::max(0.0, c.busy - *rc::gen::inRange(0, 400) / 100.0);
  if (*rc::gen::arbitrary<bool>()) more.memory_stalled.reset();
  constexpr int kUnbound = 1'000'000;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const auto a = share.rooms(i, less, {}), b = share.rooms(i, more, {});
    const auto most = [](const std::optional<Room>& r) { return r ? r->most : kUnbound; };
    RC_ASSERT(most(b.memory) >= most(a.memory));
    RC_ASSERT(most(b.cpu) >= most(a.cpu));
  }
}

// All services rise in turn as far as they may, and nothing of what they start shows yet.
RC_GTEST_PROP(Host, TogetherTheyNeverTakeMoreThanThereIs, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(1, 6);
  const HostSpec spec{.memory_reserve = *rc::gen::inRange(0, 50) / 100.0};
  const double total = 16 * kGiB, available = total * *rc::gen::inRange(0, 101) / 100;
  const double cores = *rc::gen::inRange(1, 16);
  auto figures = with_memory(total, available);
  figures.cpu.push_back({cores, 0, true});
  HostShare share;
  std::vector<HostClaim> claims(n);
  for (auto& c : claims) {
    c = claim(0, *rc::gen::inRange(1, 4000) * 1e6, *rc::gen::inRange(5, 120) / 100.0);
    c.priority = *rc::gen::inRange(0, 3);
    c.wanted = *rc::gen::inRange(0, 40);
    share.add(c);
  }
  for (int turn = 0; turn < 3; ++turn) {
    for (std::size_t i = 0; i < n; ++i) {
      auto& c = claims[i];
      const auto rooms = share.rooms(i, figures, spec);
      c.current = std::max(c.current, std::min({c.wanted, rooms.memory->most, rooms.cpu->most}));
      c.memory_to_come = c.current * *c.memory;
      c.cpu_to_come = c.current * *c.cpu;
      share.put(i, c);
    }
  }
  double memory = 0, cpu = 0, firsts = 0, first_cpu = 0, largest = 0;
  for (const auto& c : claims) {
    memory += c.current * *c.memory;
    cpu += c.current * *c.cpu;
    firsts += c.current > 0 ? *c.memory : 0;  // the first replica of each is not held up
    first_cpu += c.current > 0 ? *c.cpu : 0;
    largest = std::max(largest, *c.cpu);
  }
  RC_ASSERT(memory <= std::max(0.0, available - spec.memory_reserve * total) + firsts + 1e6);
  RC_ASSERT(cpu <= spec.cpu_max * cores + first_cpu + largest + 0.1);
}

// Sums that are taken from and added to for months stay what they are.
RC_GTEST_PROP(Host, AClaimThatIsRenewedCountsOnce, ()) {
  const std::vector<HostClaim> claims = {any_claim(), any_claim(), any_claim()};
  auto share = share_of({any_claim(), any_claim(), any_claim()});
  for (int turn = 0; turn < 20; ++turn) share.put(*rc::gen::inRange<std::size_t>(0, 3), any_claim());
  for (std::size_t i = 0; i < claims.size(); ++i) share.put(i, claims[i]);
  const auto fresh = share_of(claims);
  const auto figures = any_figures();
  for (std::size_t i = 0; i < claims.size(); ++i) {
    RC_ASSERT(share.rooms(i, figures, {}).memory == fresh.rooms(i, figures, {}).memory);
    RC_ASSERT(share.rooms(i, figures, {}).cpu == fresh.rooms(i, figures, {}).cpu);
  }
}

// ---- The limit ----

class HostLimit : public testing::Test {
 protected:
  static ServiceSpec spec() {
    ServiceSpec s;
    s.name = "a";
    s.limits = {.min_replicas = 1, .max_replicas = 100, .scale_up_by = 100, .scale_down_by = 100};
    s.rules = RulesSpec{};
    return s;
  }
  static Decision decide(int current, int wanted, const Overrides& o, const ServiceSpec& s = spec()) {
    Limits limits(s);
    const Observation none;
    const Situation in{time_at(10), {current, current}, none, none};
    return limits.apply(time_at(10), in, o, {.wanted = wanted, .reason = "the policy wants it"});
  }
};

TEST_F(HostLimit, ARiseStopsAtWhatTheMachineCarriesAndSaysSo) {
  Overrides o;
  o.host_memory = Room{5, "this host has no more"};
  auto d = decide(3, 20, o);
  EXPECT_EQ(d.target, 5);
  EXPECT_EQ(d.reason, "the policy wants it; this host has no more");
  EXPECT_EQ(d.limits.back().name, "host_memory");
  EXPECT_EQ(wanted_of_host(d), 20);
  EXPECT_EQ(beyond_host(d), "this host has no more");
  d = decide(5, 20, o);
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(d.reason, "the policy wants it; this host has no more");
}

TEST_F(HostLimit, TheTighterOfMemoryAndCoresCounts) {
  Overrides o;
  o.host_memory = Room{9, "memory"};
  o.host_cpu = Room{4, "cores"};
  EXPECT_EQ(decide(3, 20, o).target, 4);
  std::swap(o.host_memory, o.host_cpu);
  EXPECT_EQ(decide(3, 20, o).target, 4);
}

TEST_F(HostLimit, MinReplicasAndAPersonsNumberCountAllTheSame) {
  Overrides o;
  o.host_memory = Room{1, "no more"};
  auto s = spec();
  s.limits.min_replicas = 4;
  EXPECT_EQ(decide(1, 20, o, s).target, 4);
  o.held = "ann wants 8";
  o.replicas = 8;
  EXPECT_EQ(decide(1, 20, o).target, 8);
}

RC_GTEST_PROP(HostLimitProperty, BindsARiseAndNothingElse, ()) {
  ServiceSpec s;
  s.name = "a";
  s.limits = {.min_replicas = *rc::gen::inRange(0, 5),
              .max_replicas = *rc::gen::inRange(5, 30),
              .scale_up_by = 100,
              .scale_down_by = 100};
  s.rules = RulesSpec{};
  const int current = *rc::gen::inRange(0, 35), wanted = *rc::gen::inRange(0, 40);
  Overrides o;
  if (*rc::gen::arbitrary<bool>()) o.host_memory = Room{std::max(1, current + *rc::gen::inRange(0, 10)), "m"};
  if (*rc::gen::arbitrary<bool>()) o.host_cpu = Room{std::max(1, current + *rc::gen::inRange(0, 10)), "c"};
  const auto decide = [&](const Overrides& with) {
    Limits limits(s);
    const Observation none;
    const Situation in{time_at(10), {current, current}, none, none};
    return limits.apply(time_at(10), in, with, {.wanted = wanted, .reason = "wanted"});
  };
  const int bound = decide(o).target, unbound = decide({}).target;
  if (unbound <= current) {
    RC_ASSERT(bound == unbound);
  } else {
    RC_ASSERT(bound >= current && bound <= unbound);
    for (const auto& room : {o.host_memory, o.host_cpu})
      RC_ASSERT(!room || bound <= std::max(room->most, s.limits.min_replicas));
    if (!o.host_memory && !o.host_cpu) RC_ASSERT(bound == unbound);
  }
  RC_ASSERT(overrides_from_json(nlohmann::json::parse(to_json(o).dump())) == o);
}

}  // namespace
}  // namespace docktor
