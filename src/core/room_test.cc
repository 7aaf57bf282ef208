#include "core/room.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <vector>

namespace docktor {
namespace {

int most(std::vector<Claim> claims, std::size_t self, int total) { return room_of(claims, self, total).most; }

TEST(Room, WhatNobodyHasIsForWhoComesFirst) {
  EXPECT_EQ(most({{0, 1, 2, 9}, {0, 1, 3, 3}}, 0, 10), 7);
  EXPECT_EQ(most({{0, 1, 2, 9}, {0, 1, 3, 3}}, 1, 10), 8);
}

TEST(Room, AMinIsKeptFreeForWhoeverDoesNotHaveItYet) {
  EXPECT_EQ(most({{5, 1, 2, 9}, {0, 4, 0, 0}}, 0, 10), 6);
}

TEST(Room, AHigherPriorityIsGivenWayToDownToMin) {
  const std::vector<Claim> claims = {{10, 1, 2, 6}, {0, 1, 8, 8}};
  EXPECT_EQ(most(claims, 1, 10), 4);
  EXPECT_EQ(most(claims, 0, 10), 2) << "not before the other has gone";
  EXPECT_EQ(most({{10, 1, 2, 60}, {0, 3, 8, 8}}, 1, 10), 3);
  EXPECT_NE(room_of(claims, 1, 10).why.find("higher priority"), std::string::npos);
}

TEST(Room, WhatWasGivenUpIsNotTakenByAThird) {
  const std::vector<Claim> claims = {{10, 1, 2, 6}, {0, 1, 4, 4}, {5, 0, 0, 9}};
  EXPECT_EQ(most(claims, 2, 10), 0);
  EXPECT_EQ(most(claims, 0, 10), 6);
}

TEST(Room, TheLowestGivesWayAlone) {
  const std::vector<Claim> claims = {{10, 1, 2, 4}, {5, 1, 4, 4}, {0, 1, 4, 4}};
  EXPECT_EQ(most(claims, 2, 10), 2);
  EXPECT_EQ(most(claims, 1, 10), 4);
}

TEST(Room, WhoIsAboveATotalThatWasLoweredGivesUp) {
  EXPECT_EQ(most({{0, 1, 6, 6}, {0, 1, 6, 6}}, 0, 10), 4);
  EXPECT_EQ(most({{0, 1, 4, 6}, {0, 1, 6, 6}}, 1, 10), 6);
}

RC_GTEST_PROP(Room, NeverBeyondTheTotalNeverBelowMinAndAllIsGivenOut, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(1, 6);
  std::vector<Claim> claims(n);
  int mins = 0;
  for (auto& c : claims) {
    c.priority = *rc::gen::inRange(0, 3);
    c.min = *rc::gen::inRange(0, 4);
    c.wanted = c.min + *rc::gen::inRange(0, 20);
    mins += c.min;
  }
  const int total = mins + *rc::gen::inRange(0, 20);
  const auto sum = [&] {
    return std::accumulate(claims.begin(), claims.end(), 0,
                           [](int s, const Claim& c) { return s + c.current; });
  };
  // Each in turn does what it wants within its room; an order counts at once.
  for (int turn = 0; turn < 12; ++turn) {
    for (std::size_t i = 0; i < n; ++i) {
      auto& c = claims[i];
      const int before = c.current;
      const int room = room_of(claims, i, total).most;
      RC_ASSERT(room >= c.min || room >= before);
      c.current = std::min(c.wanted, room);
      RC_ASSERT(sum() <= total);
    }
  }
  int left = total - sum();
  for (const auto& c : claims) {
    RC_ASSERT(c.current >= c.min);
    RC_ASSERT(c.current == c.wanted || left == 0);
    for (const auto& d : claims)
      RC_ASSERT(c.priority <= d.priority || c.current == c.wanted || d.current == d.min);
  }
}

}  // namespace
}  // namespace docktor
