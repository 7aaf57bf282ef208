// The dynamic programme against every possible plan, where those can be counted; and the frontier it gives.
#include "sim/clairvoyant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "policy/policies.h"

namespace docktor::sim {
namespace {

constexpr int kMost = 4;

struct Small {
  std::vector<double> counts;  // arrivals of each second
  ClairvoyantSpec spec;

  std::vector<double> arrivals() const {
    std::vector<double> all;
    for (std::size_t t = 0; t < counts.size(); ++t) {
      for (int i = 0; i < counts[t]; ++i) all.push_back(static_cast<double>(t) + (i + 0.5) / counts[t]);
    }
    return all;
  }

  double step_cost(int n, double backlog, double& left, std::size_t t, int to) const {
    left = std::max(0.0, backlog + counts[t] - spec.capacity * to);
    return spec.start_up * std::max(0, to - n) + to + spec.waiting * (backlog + left) / 2;
  }

  // The least cost from t on, by trying everything.
  double best(std::size_t t, int n, double backlog) const {
    if (t == counts.size()) return backlog / spec.capacity;
    double least = std::numeric_limits<double>::infinity();
    for (int to = spec.min_replicas; to <= kMost; ++to) {
      double left = 0;
      const double now = step_cost(n, backlog, left, t, to);
      least = std::min(least, now + best(t + 1, to, left));
    }
    return least;
  }

  // What following the table costs.
  double followed(const ClairvoyantTable& table) const {
    double cost = 0, backlog = 0;
    int n = 1;
    for (std::size_t t = 0; t < counts.size(); ++t) {
      const int to = table.replicas(static_cast<double>(t), n, backlog);
      double left = 0;
      cost += step_cost(n, backlog, left, t, to);
      n = to;
      backlog = left;
    }
    return cost + backlog / spec.capacity;
  }
};

TEST(Clairvoyant, IsAsGoodAsTheBestOfAllPlans) {
  for (const double waiting : {0.01, 0.2, 1.0}) {
    for (const double start_up : {0.5, 3.0}) {
      Small small;
      small.counts = {2, 0, 9, 4, 0, 0, 6, 1};
      small.spec = {waiting, 2, start_up, 1, kMost};
      const ClairvoyantTable table(small.arrivals(), static_cast<double>(small.counts.size()), small.spec);
      ASSERT_EQ(table.step(), 1);
      // The table looks one step beyond the end, where nothing comes; so a plan may differ there by a
      // rounding.
      EXPECT_NEAR(small.followed(table), small.best(0, 1, 0), 0.51) << waiting << ' ' << start_up;
    }
  }
}

TEST(Clairvoyant, FrontierFallsAndNobodyBeatsItOnAJumpThatNothingAnnounced) {
  Load load;
  load.rows = {{0, 30}, {300, 300}, {600, 30}, {900, 0}};
  RunSpec r;
  r.load = &load;
  r.service.name = "consumer";
  r.service.queue = QueueSpec{};
  r.service.limits = {.min_replicas = 1, .max_replicas = 60};
  r.service.check_interval = std::chrono::seconds(1);
  r.service.objective = ObjectiveSpec{};
  const auto frontier = clairvoyant_frontier(r, usual_waiting_prices(), 2);
  ASSERT_GE(frontier.size(), 4u);
  for (std::size_t i = 1; i < frontier.size(); ++i) {
    EXPECT_LT(frontier[i].p99, frontier[i - 1].p99);
    EXPECT_GT(frontier[i].rho, frontier[i - 1].rho);
    EXPECT_GE(frontier[i].rho, 1);
  }
  const RunResult ours = run(r, make_policy);
  EXPECT_LT(ours.over, 0.01);
  EXPECT_GE(ours.rho, optimum_at(frontier, ours.p99));
}

TEST(Clairvoyant, OptimumIsInterpolatedAndHeldAtTheEnds) {
  const std::vector<FrontierPoint> f = {{0, 1.0, 10}, {0, 1.2, 1}};
  EXPECT_EQ(optimum_at(f, 50), 1.0);
  EXPECT_EQ(optimum_at(f, 0.1), 1.2);
  EXPECT_NEAR(optimum_at(f, std::sqrt(10.0)), 1.1, 1e-12);
  EXPECT_EQ(optimum_at({}, 1), 0);
}

}  // namespace
}  // namespace docktor::sim
