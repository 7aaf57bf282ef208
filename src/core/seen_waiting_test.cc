#include "core/seen_waiting.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace docktor {
namespace {

TEST(SeenWaiting, NothingIsOlderThanASampleOfAnEmptyQueue) {
  SeenWaiting s;
  s.see(time_at(100), 7);
  EXPECT_FALSE(s.came_after(7)) << "seven may have waited before anybody looked";
  EXPECT_EQ(s.came_after(8), time_at(100));
  s.see(time_at(101), 0);
  EXPECT_EQ(s.came_after(1), time_at(101));
  s.see(time_at(102), 5);
  s.see(time_at(103), 9);
  EXPECT_EQ(s.came_after(1), time_at(101));
  EXPECT_EQ(s.came_after(5), time_at(101));
  EXPECT_EQ(s.came_after(6), time_at(102));
  s.see(time_at(104), 6);  // three of the nine were taken
  EXPECT_EQ(s.came_after(5), time_at(101));
  EXPECT_EQ(s.came_after(6), time_at(102));
  s.clear();
  EXPECT_FALSE(s.came_after(1));
}

TEST(SeenWaiting, MemoryIsBoundedAndOutlivesARestart) {
  SeenWaiting s;
  for (int i = 0; i < 10'000; ++i) s.see(time_at(100 + i), i);
  EXPECT_LE(s.seen().size(), SeenWaiting::kMost);
  EXPECT_EQ(s.came_after(1), time_at(100));
  EXPECT_EQ(s.came_after(10'000), time_at(100 + 9'999));
  nlohmann::json state;
  s.save(state);
  SeenWaiting again;
  again.restore(state);
  for (const double rank : {1.0, 500.0, 9'999.0, 10'000.0})
    EXPECT_EQ(again.came_after(rank), s.came_after(rank)) << rank;
  for (const char* odd : {"null", "3", "[[1]]", R"([["a",1]])", "[[1,-1]]", R"([[5,1],[4,2]])"})
    EXPECT_NO_THROW(again.restore(nlohmann::json::parse(odd))) << odd;
  // A clock that was set back over a restart.
  s.see(time_at(50), 3);
  EXPECT_FALSE(s.came_after(2));
  EXPECT_EQ(s.came_after(4), time_at(50));
}

}  // namespace
}  // namespace docktor
