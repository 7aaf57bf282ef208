// The simulator against queueing theory: M/M/n and M/D/1 waits. Seeds are fixed, so that a result is always
// the same.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "sim/erlang.h"
#include "sim/pool.h"

namespace docktor::sim {
namespace {

constexpr double kTolerance = 0.02;  // of the theory's value

Waits simulated(int n, double offered, double cv, double messages) {
  World world;
  world.worker.service_mean = 1;
  world.worker.service_cv = cv;
  Load load;
  load.rows = {{0, offered}, {messages / offered, 0}};
  Pool pool(world, load, 7, n, 1);
  pool.advance(load.length() + 1e6);
  EXPECT_TRUE(pool.finished());
  return pool.waits();
}

struct Case {
  int n;
  double utilisation;
  double messages;
};
void PrintTo(const Case& x, std::ostream* out) { *out << x.n << " servers, " << x.utilisation << " busy"; }

class QueueingTheory : public testing::TestWithParam<Case> {};

TEST_P(QueueingTheory, WaitsOfMMn) {
  const auto [n, utilisation, messages] = GetParam();
  const double offered = utilisation * n;
  const Waits waits = simulated(n, offered, 1, messages);
  const double waiting = erlang_c(n, offered);
  const double mean = waiting / (n - offered);
  EXPECT_NEAR(waits.mean(), mean, kTolerance * mean);
  // P(wait > 1) = C exp(-(n - offered)).
  const double over = chance_of_waiting_over(n, offered, 1, 1);
  // One in some thousands comes in clumps that no affordable run averages out.
  if (over > 0.01) {
    EXPECT_NEAR(waits.over_share(), over, kTolerance * over);
  }
  // The 99th percentile solves C exp(-(n - offered) t) = 0.01.
  if (waiting > 0.02) {
    const double p99 = std::log(waiting / 0.01) / (n - offered);
    EXPECT_NEAR(waits.quantile(0.99), p99, kTolerance * p99);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, QueueingTheory,
                         testing::Values(Case{1, 0.5, 2e6}, Case{1, 0.8, 6e6}, Case{4, 0.8, 6e6},
                                         Case{20, 0.9, 8e6}, Case{100, 0.93, 8e6}));

TEST(QueueingTheory, WaitsOfMD1) {
  // Pollaczek and Khinchin: ρ / (2 (1 - ρ)) of a service time.
  const Waits waits = simulated(1, 0.8, 0, 6e6);
  EXPECT_NEAR(waits.mean(), 2.0, kTolerance * 2.0);
}

TEST(QueueingTheory, ErlangC) {
  // Known values: one server waits with its utilisation; Erlang's own tables.
  EXPECT_NEAR(erlang_c(1, 0.7), 0.7, 1e-12);
  EXPECT_NEAR(erlang_c(2, 1.0), 1.0 / 3, 1e-12);
  EXPECT_EQ(erlang_c(3, 3), 1);
  EXPECT_EQ(workers_needed(0, 20, 5, 0.99), 0);
}

}  // namespace
}  // namespace docktor::sim
