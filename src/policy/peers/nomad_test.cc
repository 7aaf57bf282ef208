#include "policy/peers/nomad.h"

#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

// Target 100 messages a replica, each 10 s.
NomadKnobs nomad_knobs() { return {.min_replicas = 0, .max_replicas = 50}; }
int counted(int count, std::uint64_t pending, const NomadKnobs& k = nomad_knobs()) {
  return Driver(nomad_policy(k), count).next({.pending = pending});
}

TEST(Nomad, TheCountTimesTheFactorRoundedUp) {
  EXPECT_EQ(counted(2, 300), 3);  // f = 1.5
  EXPECT_EQ(counted(3, 310), 4);  // f = 1.033: ceil(3.1)
  EXPECT_EQ(counted(4, 10), 1);   // f = 0.025
  EXPECT_EQ(counted(4, 0), 0);
}

TEST(Nomad, WithinTheThresholdNothingChanges) {
  EXPECT_EQ(counted(1, 101), 1);  // f = 1.01
  EXPECT_EQ(counted(1, 102), 2);
  EXPECT_EQ(counted(10, 990), 10);  // f = 0.99
  EXPECT_EQ(counted(10, 890), 9);   // f = 0.89: ceil(8.9)
}

TEST(Nomad, FromNoneTheFactorItself) {
  EXPECT_EQ(counted(0, 250), 3);
  EXPECT_EQ(counted(0, 0), 0);
}

TEST(Nomad, CapsBeforeBounds) {
  NomadKnobs k = nomad_knobs();
  k.max_scale_up = 2;
  k.max_scale_down = 1;
  EXPECT_EQ(counted(4, 10'000, k), 6);
  EXPECT_EQ(counted(4, 0, k), 3);
  k.max_replicas = 5;
  k.min_replicas = 4;
  EXPECT_EQ(counted(4, 10'000, k), 5);
  EXPECT_EQ(counted(4, 0, k), 4);
}

// 3 at second 0; whatever comes, the next action is at 300, by then to 7.
TEST(Nomad, AnActionIsFollowedByTheCooldown) {
  Driver d(nomad_policy(nomad_knobs()), 2);
  EXPECT_EQ(d.next({.pending = 300}), 3);
  EXPECT_EQ(d.until(150, {}), 3);
  EXPECT_EQ(d.changes_only_at(300, {.pending = 700}), 7);
}

TEST(Nomad, EvaluatesEachTenSeconds) {
  Driver d(nomad_policy(nomad_knobs()), 2);
  EXPECT_EQ(d.next({.pending = 200}), 2);
  EXPECT_EQ(d.changes_only_at(10, {.pending = 400}), 4);
}

TEST(Nomad, AQueryWithoutAValueFailsTheEvaluation) {
  NomadKnobs k = nomad_knobs();
  k.rate = true;
  k.target = 16;
  Driver d(nomad_policy(k), 5);
  EXPECT_EQ(d.next({}), 5) << "no rate yet";
  EXPECT_EQ(d.changes_only_at(10, {.arrivals = 40}), 3);  // 8 a replica: ceil(5 × 0.5)
}

// A query of a mean of 20 s forgets the burst of second 1 at 30, one of a minute does not: 60 / 30 = 2 a second, 1 a
// replica, twice the target.
TEST(Nomad, TheQuerysWindowIsTheUsers) {
  NomadKnobs k = nomad_knobs();
  k.min_replicas = 1;
  k.rate = true;
  k.target = 0.5;
  const auto at_30 = [&](int window) {
    k.rate_window = std::chrono::seconds(window);
    Driver d(nomad_policy(k), 2);
    d.skip_to(9);  // its evaluations are at 9 and 30
    d.next({});
    d.next({.arrivals = 60});
    d.skip_to(30);
    return d.next({});
  };
  EXPECT_GT(at_30(60), 2);
  EXPECT_EQ(at_30(10), 1);
}

// 40 arrivals a second and 200 waiting, to be gone in 5 s: 80 in all, of 16 a replica.
TEST(Nomad, AQueryMayAddTheBacklogToTheArrivals) {
  NomadKnobs k = nomad_knobs();
  k.rate = true;
  k.target = 16;
  k.drain = 5;
  Driver d(nomad_policy(k), 4);
  d.until(9, {.pending = 200, .arrivals = 40});
  EXPECT_EQ(d.next({.pending = 200, .arrivals = 40}), 5);
}

}  // namespace
}  // namespace docktor::peers
