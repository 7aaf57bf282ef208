#include "policy/objective/trend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

namespace docktor::objective {
namespace {

constexpr double kAhead = 60;

// A sample a second; `rate` of the second that ends at t.
struct Load {
  void run(double until, const std::function<double(double)>& rate) {
    for (; t < until; ++t) {
      arrivals.add({time_at(t + 1), std::chrono::seconds(1), std::round(rate(t))});
      trend.add(arrivals, kAhead);
      proven += trend.proven();
    }
  }
  double t = 1000;
  int proven = 0;  // seconds
  Arrivals arrivals;
  Trend trend;
};

double ramp(double t) { return 20 + 2 * (t - 1000); }

TEST(TrendTest, FollowsWhatGrowsForLongerThanAStartTakes) {
  Load load;
  load.run(1100, ramp);
  EXPECT_FALSE(load.trend.proven()) << "nothing it said has come true yet";
  load.run(1300, ramp);
  EXPECT_TRUE(load.trend.proven());
  EXPECT_NEAR(load.trend.rate(kAhead), ramp(1300 + kAhead), 3);
  EXPECT_NEAR(load.trend.misses().back().forecast, load.trend.misses().back().came, 5);
}

TEST(TrendTest, DoesNotTakeChanceOrJumpsForGrowth) {
  std::mt19937 random(1);
  std::poisson_distribution<int> noise(100);
  Load constant, jumps;
  constant.run(4600, [&](double) { return noise(random); });
  EXPECT_LT(constant.proven, 36);  // a hundredth of the time
  jumps.run(4600, [&](double t) { return noise(random) + (std::fmod(t, 1200) < 600 ? 300 : 0); });
  EXPECT_LT(jumps.proven, 36);
}

TEST(TrendTest, ALoadThatFallsOrStaysIsNotFollowedForLong) {
  Load load;
  load.run(1400, ramp);
  ASSERT_TRUE(load.trend.proven());
  load.run(1520, [](double) { return ramp(1400); });
  EXPECT_FALSE(load.trend.proven());
  load.run(1900, [](double t) { return std::max(0.0, ramp(1400) - 2 * (t - 1520)); });
  EXPECT_FALSE(load.trend.proven());
  EXPECT_LE(load.trend.rate(kAhead), load.arrivals.level() + 1);
}

TEST(TrendTest, SavedAndRestoredGoesOnAsUninterrupted) {
  Load load;
  load.run(1250, ramp);
  nlohmann::json state, arrivals;
  load.trend.save(state);
  load.arrivals.save(arrivals);
  Load again;
  again.t = load.t;
  again.trend.restore(nlohmann::json::parse(state.dump()));
  again.arrivals.restore(nlohmann::json::parse(arrivals.dump()));
  load.run(1400, ramp);
  again.run(1400, ramp);
  nlohmann::json a, b;
  load.trend.save(a);
  again.trend.save(b);
  EXPECT_EQ(a, b);
}

TEST(TrendTest, ASavedStateThatIsRubbishIsIgnored) {
  Load load;
  load.run(1250, ramp);
  nlohmann::json good;
  load.trend.save(good);
  for (const char* key : {"line", "errors", "proven", "said", "misses"}) {
    for (const char* value : {"7", "[1]", R"(["x"])", "[null,null,null]", "[[1,-1,2]]"}) {
      nlohmann::json bad = good;
      bad[key] = nlohmann::json::parse(value);
      Trend read;
      read.restore(bad);
      EXPECT_EQ(read.rate(kAhead), 0) << key << " " << value;
      EXPECT_FALSE(read.proven());
    }
  }
}

}  // namespace
}  // namespace docktor::objective
