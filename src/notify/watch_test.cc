#include "notify/watch.h"

#include <gtest/gtest.h>

#include "notify/test_sight.h"

namespace docktor::notify {
namespace {

using test::at;
using test::figures;
using test::sight;
using test::unreachable;

ChannelSpec spec() { return {.name = "ops"}; }

std::vector<std::string> standing(const Watch& w) {
  std::vector<std::string> all;
  for (const auto& [key, t] : w.tracks()) {
    if (t.state == Watch::State::kStanding) all.push_back(key.service + "/" + key.event);
  }
  return all;
}

using Names = std::vector<std::string>;

TEST(NotificationWatch, WhatLastsIsToldAndWhatPassesIsNot) {
  Watch w(spec());
  for (int s = 0; s < 29; ++s) w.look(sight(s, {figures("a", unreachable())}));
  EXPECT_EQ(standing(w), Names{});
  w.look(sight(29, {figures("a")}));
  for (int s = 30; s < 59; ++s) w.look(sight(s, {figures("a", unreachable())}));
  EXPECT_EQ(standing(w), Names{}) << "it was away for a second: it begins anew";
  for (int s = 59; s <= 60; ++s) w.look(sight(s, {figures("a", unreachable())}));
  EXPECT_EQ(standing(w), Names{"a/queue_unreachable"});
  const auto& t = w.tracks().begin()->second;
  EXPECT_EQ(t.since, at(30));
  EXPECT_EQ(t.detail, "since 10:00: timeout");
}

TEST(NotificationWatch, WhatComesAndGoesIsToldLessAndLessOften) {
  Watch w(spec());
  int told = 0;
  bool stood = false;
  // Trouble for 40 s, quiet for 35 s: each is longer than the hold-off.
  for (int s = 0; s < 3600; ++s) {
    const bool trouble = s % 75 < 40;
    w.look(sight(s, {figures("a", trouble ? unreachable() : Holdings{})}));
    const bool stands = !standing(w).empty();
    told += stands != stood;
    stood = stands;
  }
  EXPECT_LE(told, 6) << "48 times it came and went";
  EXPECT_GE(told, 1);
}

TEST(NotificationWatch, AnEndMustHoldToo) {
  Watch w(spec());
  for (int s = 0; s <= 30; ++s) w.look(sight(s, {figures("a", unreachable())}));
  for (int s = 31; s < 60; ++s) w.look(sight(s, {figures("a")}));
  EXPECT_EQ(standing(w).size(), 1U);
  w.look(sight(60, {figures("a")}));
  EXPECT_EQ(standing(w), Names{});
  EXPECT_EQ(w.tracks().begin()->second.ended, at(30));
}

TEST(NotificationWatch, NoDataIsNoEnd) {
  auto late = figures("a");
  late.max_wait = 5;
  late.oldest_wait = 9;
  Watch w(spec());
  for (int s = 0; s <= 30; ++s) w.look(sight(s, {late}));
  EXPECT_EQ(standing(w), Names{"a/late"});
  EXPECT_EQ(w.tracks().begin()->second.detail, "the oldest has waited for 9 s, max_wait is 5 s");
  auto unknown = late;
  unknown.latest.queue_stale = true;
  for (int s = 31; s <= 300; ++s) w.look(sight(s, {unknown}));
  EXPECT_EQ(standing(w), Names{"a/late"});
  auto well = late;
  well.oldest_wait = 1;
  for (int s = 301; s <= 340; ++s) w.look(sight(s, {well}));
  EXPECT_EQ(standing(w), Names{});
}

TEST(NotificationWatch, AServiceThatLeftTheConfigurationEndsItsTroubles) {
  Watch w(spec());
  for (int s = 0; s <= 30; ++s) w.look(sight(s, {figures("a", unreachable()), figures("b", unreachable())}));
  EXPECT_EQ(standing(w).size(), 2U);
  for (int s = 31; s <= 61; ++s) w.look(sight(s, {figures("b", unreachable())}));
  EXPECT_EQ(standing(w), Names{"b/queue_unreachable"});
}

TEST(NotificationWatch, OnlyWhatTheChannelTakes) {
  auto s = spec();
  s.events = {"override", "late"};
  s.services = {"b"};
  Watch w(s);
  const Holdings both{{Condition::kQueueUnreachable, ""}, {Condition::kPaused, "by ann"}};
  for (int i = 0; i <= 30; ++i) w.look(sight(i, {figures("a", both), figures("b", both)}));
  EXPECT_EQ(standing(w), Names{"b/paused"});
}

TEST(NotificationWatch, DeadMessagesAndFailedOrdersLastTenMinutesBeyondTheLast) {
  Watch w(spec());
  auto f = figures("a");
  w.look(sight(0, {f}));
  f.tally.dead = 3;
  f.tally.orders[1] = 1;
  f.outcome = "failed";
  f.why = "exec: no such file; next try at 10:00:10";
  for (int s = 1; s <= 31; ++s) w.look(sight(s, {f}));
  EXPECT_EQ(standing(w), (Names{"a/dead", "a/order_failed"}));
  EXPECT_EQ(w.tracks().at({"a", "dead"}).detail, "3 so far");
  EXPECT_EQ(w.tracks().at({"a", "order_failed"}).detail, f.why);
  f.tally.orders[0] = 1;  // the next one works
  for (int s = 32; s <= 62; ++s) w.look(sight(s, {f}));
  EXPECT_EQ(standing(w), Names{"a/dead"});
  for (int s = 63; s <= 640; ++s) w.look(sight(s, {f}));
  EXPECT_EQ(standing(w), Names{});
}

TEST(NotificationWatch, SilenceIsNewsWhereMuchCameBefore) {
  auto s = spec();
  s.events = {"silent"};
  Watch w(s);
  auto f = figures("a");
  int i = 0;
  for (; i < 7200; i += 10) {
    f.tally.arrivals = i;
    w.look(sight(i, {f}));
  }
  for (; i < 7200 + 3500; i += 10) w.look(sight(i, {f}));
  EXPECT_EQ(standing(w), Names{});
  for (; i < 7200 + 4200; i += 10) w.look(sight(i, {f}));
  EXPECT_EQ(standing(w), Names{"a/silent"});
}

TEST(NotificationWatch, ARefusedReloadIsTheDaemons) {
  Watch w(spec());
  for (int s = 0; s <= 30; ++s) w.look(sight(s, {}, "f.yaml:3:1: unknown key"));
  EXPECT_EQ(standing(w), Names{"/reload_refused"});
}

TEST(NotificationWatch, WhatStoodBeforeARestartStandsUntilItIsSeenToBeOver) {
  Watch w(spec());
  w.restore(*event_named("queue_unreachable"), "a", at(-100), at(0));
  for (int s = 0; s < 10; ++s) w.look(sight(s, {}));  // services are being made
  EXPECT_EQ(standing(w), Names{"a/queue_unreachable"});
  for (int s = 10; s < 60; ++s) w.look(sight(s, {figures("a", unreachable())}));
  EXPECT_EQ(standing(w), Names{"a/queue_unreachable"});
  EXPECT_EQ(w.tracks().begin()->second.since, at(-100));
  for (int s = 60; s < 100; ++s) w.look(sight(s, {figures("a")}));
  EXPECT_EQ(standing(w), Names{});
}

}  // namespace
}  // namespace docktor::notify
