#include "policy/peers/keda.h"

#include "policy/peers/hpa.h"
#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

KedaKnobs from_zero() {
  KedaKnobs k;
  k.hpa.max_replicas = 100;
  return k;
}

TEST(Keda, TheLagIsWhatIsPendingAndWhatIsInHand) {
  EXPECT_EQ(Driver(keda_policy(from_zero()), 1).next({.pending = 6, .in_hand = 5}),
            1);  // 11/10 is within 0.1
  EXPECT_EQ(Driver(keda_policy(from_zero()), 1).next({.pending = 7, .in_hand = 5}), 2);  // ceil(1.2)
  EXPECT_EQ(Driver(keda_policy(from_zero()), 1).next({.pending = 7}), 1);
}

// Second 0: inactive. The HPA at 15 is off at zero; the poll at 30 brings one; then 4, 8, 16 each 15 s.
TEST(Keda, FromZeroThePollBringsOneAndTheHpaTheRest) {
  Driver d(keda_policy(from_zero()), 0);
  EXPECT_EQ(d.next({}), 0);
  EXPECT_EQ(d.changes_only_at(30, {.pending = 1000}), 1);
  EXPECT_EQ(d.changes_only_at(45, {.pending = 1000}), 4);
  EXPECT_EQ(d.changes_only_at(60, {.pending = 1000}), 8);
  EXPECT_EQ(d.changes_only_at(75, {.pending = 1000}), 16);
}

TEST(Keda, ActivationIsStrict) {
  KedaKnobs k = from_zero();
  k.activation_threshold = 5;
  EXPECT_EQ(Driver(keda_policy(k), 0).next({.pending = 5}), 0);
  EXPECT_EQ(Driver(keda_policy(k), 0).next({.pending = 6}), 1);
}

// Active at second 0. Proposals count for 300 s, and the cooldown of 300 s must be past: 1 at 315, 0 at the
// poll of 330.
TEST(Keda, ToZeroAfterTheCooldown) {
  Driver d(keda_policy(from_zero()), 5);
  EXPECT_EQ(d.next({.pending = 50}), 5);
  EXPECT_EQ(d.changes_only_at(315, {}), 1);
  EXPECT_EQ(d.changes_only_at(330, {}), 0);
}

TEST(Keda, ToZeroFromAnyNumber) {
  KedaKnobs k = from_zero();
  k.cooldown_period = std::chrono::seconds(60);
  Driver d(keda_policy(k), 5);
  EXPECT_EQ(d.next({.pending = 50}), 5);
  EXPECT_EQ(d.changes_only_at(90, {}), 0);  // at 60 the cooldown is not yet past: 0 + 60 < 60 does not hold
}

TEST(Keda, NeverActiveGoesAtTheNextPoll) {
  EXPECT_EQ(Driver(keda_policy(from_zero()), 3).changes_only_at(30, {}), 0);
}

TEST(Keda, WithAMinimumThereIsNoZero) {
  KedaKnobs k = from_zero();
  k.min_replicas = 2;
  EXPECT_EQ(Driver(keda_policy(k), 1).next({}), 2);
  Driver d(keda_policy(k), 5);
  EXPECT_EQ(d.next({.pending = 50}), 5);
  EXPECT_EQ(d.changes_only_at(315, {}), 2);
  EXPECT_EQ(d.until(1000, {}), 2);
}

TEST(Hpa, CountsOnlyWhatIsPendingAndSyncsEach15Seconds) {
  HpaPolicyKnobs k;
  k.law.max_replicas = 100;
  Driver d(hpa_policy(k), 1);
  EXPECT_EQ(d.next({.pending = 30, .in_hand = 50}), 1);   // 30 of 30
  EXPECT_EQ(d.changes_only_at(15, {.pending = 90}), 3);   // ceil(90 / 30)
  EXPECT_EQ(d.changes_only_at(30, {.pending = 400}), 7);  // 14 wanted, 3 + 4 allowed
  EXPECT_EQ(d.changes_only_at(45, {.pending = 400}), 14);
  EXPECT_EQ(d.changes_only_at(345, {}), 1);  // 300 s after second 45
}

TEST(Hpa, TheHigherOfBacklogAndRate) {
  HpaPolicyKnobs k;
  k.law.max_replicas = 100;
  k.rate = 16;
  Driver d(hpa_policy(k), 1);
  EXPECT_EQ(d.next({}), 1) << "the rate is missing yet";
  EXPECT_EQ(d.changes_only_at(15, {.arrivals = 40}), 3);                  // ceil(40 / 16)
  EXPECT_EQ(d.changes_only_at(30, {.pending = 150, .arrivals = 40}), 5);  // ceil(150 / 30)
}

TEST(Hpa, KeepsOneWhereTheServiceMayHaveNone) {
  ServiceSpec service;
  service.limits = {.min_replicas = 0, .max_replicas = 10};
  Driver d(hpa_peer().settings[0].make(service, {}), 2);
  EXPECT_EQ(d.until(1000, {}), 1);
}

// 100 in second 1: at 30 a mean of 20 s has forgotten them; one of a minute has not: 100 / 30 s of 1 a replica.
TEST(Hpa, TheRatesWindowIsTheUsers) {
  const auto at_30 = [](int window) {
    HpaPolicyKnobs k;
    k.law.max_replicas = 100;
    k.law.behavior->down_window = {};
    k.messages = 0;
    k.rate = 1;
    k.rate_window = std::chrono::seconds(window);
    Driver d(hpa_policy(k), 1);
    d.next({});
    d.next({.arrivals = 100});
    return d.until(30, {});
  };
  EXPECT_EQ(at_30(60), 4);
  EXPECT_EQ(at_30(20), 1);
}

}  // namespace
}  // namespace docktor::peers
