// A queue whose counters move every few seconds only, as RabbitMQ's do: what is learned is the same.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/guess.h"
#include "core/meter.h"
#include "policy/objective/objective.h"

namespace docktor {
namespace {

struct Learned {
  std::string reason;
  int wanted = 0;
};

// One worker of 50/s, 100/s arriving, a sample a second; the counters move each `step` seconds.
Learned after_a_minute(int step) {
  ServiceSpec spec;
  spec.limits.max_replicas = 10;
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{};
  ObjectivePolicy policy(spec);
  Meter meter(spec.metrics_window, spec.stale_after());
  Time now{};
  for (int t = 0; t < 60; ++t) {
    now = time_at(1000 + 1.001 * t);  // a sample is never quite on time
    Input in;
    in.at = now;
    in.replicas = {.current = 1, .ready = 1};
    auto& q = in.queue.emplace();
    q.num_pending = static_cast<std::uint64_t>(50 * t);
    q.num_ack_pending = 1;
    const int told = t - t % step;
    q.totals.incarnation = "1";
    q.totals.arrived = static_cast<std::uint64_t>(100 * told);
    q.totals.delivered = static_cast<std::uint64_t>(50 * told);
    if (step > 1 && t > 0) q.step = std::chrono::seconds(told == t ? step - 2 : step + 3);
    policy.observe(*meter.observe(in));
  }
  const auto r = policy.recommend({now, {.current = 1, .ready = 1}, meter.latest(now), meter.mean(now)});
  return {r.reason, r.wanted};
}

TEST(ObjectiveSteps, CapacityIsLearnedFromFlowsOfSeveralSamples) {
  const auto each = after_a_minute(1), stepped = after_a_minute(5);
  EXPECT_NE(each.reason.find(" 50 msg/s per replica"), std::string::npos) << each.reason;
  EXPECT_NE(stepped.reason.find(" 50 msg/s per replica"), std::string::npos) << stepped.reason;
  EXPECT_GE(stepped.wanted, 2);
}

// One worker of 10/s, 8/s arriving after a backlog.
TEST(ObjectiveSteps, OfAQueueThatCountsNothingWhatFlowsIsToldAsAGuess) {
  for (const bool counts : {true, false}) {
    ServiceSpec spec;
    spec.queue = QueueSpec{};
    spec.objective = ObjectiveSpec{};
    ObjectivePolicy policy(spec);
    Meter meter(spec.metrics_window, spec.stale_after());
    Recommendation r;
    for (int t = 0; t < 90; ++t) {
      Input in;
      in.at = time_at(1000 + t);
      in.replicas = {.current = 1, .ready = 1};
      auto& q = in.queue.emplace();
      q.num_pending = static_cast<std::uint64_t>(std::max(0, 100 - 2 * t));
      q.num_ack_pending = 1;
      if (counts) {
        q.totals.incarnation = "1";
        q.totals.arrived = static_cast<std::uint64_t>(8 * t);
      }
      policy.observe(*meter.observe(in));
      r = policy.recommend({in.at, in.replicas, meter.latest(in.at), meter.mean(in.at)});
      if (t == 30) {
        EXPECT_EQ(r.reason.find("oldest about ") != std::string::npos, !counts) << r.reason;
      }
    }
    EXPECT_EQ(r.reason.find("about ") != std::string::npos, !counts) << r.reason;
    const auto number = [&](std::string_view name) {
      const auto it =
          std::ranges::find(r.numbers, name, [](const auto& n) { return std::string_view(n.first); });
      return it == r.numbers.end() ? std::optional<double>() : std::optional(it->second);
    };
    for (const char* name : {"rate_in", "capacity", "oldest_wait"})
      EXPECT_EQ(is_guess(name, number), !counts) << name << " " << r.reason;
    if (!counts) {
      EXPECT_GE(*number("rate_in_error"), *number("rate_in") * *number("in_hand_error") * 0.999);
      EXPECT_GE(*number("capacity_error"), *number("capacity") * *number("in_hand_error") * 0.999);
    }
  }
}

TEST(ObjectiveSteps, SaysWhyTheLastReplicaOfAQuietServiceStays) {
  for (const auto max_wait : {std::chrono::seconds(5), std::chrono::seconds(60)}) {
    ServiceSpec spec;
    spec.limits.min_replicas = 0;
    spec.queue = QueueSpec{};
    spec.objective = ObjectiveSpec{};
    spec.objective->max_wait = max_wait;
    spec.check_interval = std::chrono::seconds(10);
    ObjectivePolicy policy(spec);
    Meter meter(spec.metrics_window, spec.stale_after());
    Recommendation r;
    for (int t = 0; t < 400; ++t) {
      Input in;
      in.at = time_at(1000 + t);
      in.replicas = {.current = 1, .ready = 1};
      auto& q = in.queue.emplace();
      q.totals.incarnation = "1";
      q.num_ack_pending = t < 60 ? 1 : 0;
      q.totals.arrived = q.totals.delivered = static_cast<std::uint64_t>(5 * std::min(t, 60));
      policy.observe(*meter.observe(in));
      if (t % 10 == 0) r = policy.recommend({in.at, in.replicas, meter.latest(in.at), meter.mean(in.at)});
    }
    const bool stays = max_wait == std::chrono::seconds(5);
    EXPECT_EQ(r.wanted, stays ? 1 : 0) << r.reason;
    EXPECT_EQ(r.reason.find("it stays: without it a message would wait about") != std::string::npos, stays)
        << r.reason;
  }
}

TEST(ObjectiveSteps, WhereNothingIsToBeDoneNothingIsSaidToBeLearned) {
  ServiceSpec spec;
  spec.limits.min_replicas = 0;
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{};
  ObjectivePolicy policy(spec);
  Meter meter(spec.metrics_window, spec.stale_after());
  int t = 0;
  const auto reason = [&](std::uint64_t waiting, std::uint64_t in_hand, int replicas) {
    Input in;
    in.at = time_at(1000 + t++);
    in.replicas = {.current = replicas, .ready = replicas};
    auto& q = in.queue.emplace();
    q.num_pending = waiting;
    q.num_ack_pending = in_hand;
    q.totals.incarnation = "1";
    q.totals.delivered = in_hand;
    policy.observe(*meter.observe(in));
    return policy.recommend({in.at, in.replicas, meter.latest(in.at), meter.mean(in.at)}).reason;
  };
  EXPECT_EQ(reason(0, 0, 0), "no message waiting: the first one starts a replica");
  EXPECT_EQ(reason(0, 0, 1), "no message waiting: what a replica does is learned from the first ones");
  EXPECT_EQ(reason(0, 1, 1), "learning: too few messages are finished yet to tell what a replica does");
}

TEST(ObjectiveSteps, BeforeAnythingIsCountedNobodyIsAddedForABacklogThatGoesInTimeAsItFalls) {
  const auto wanted = [](int waiting, int more_each_second) {
    ServiceSpec spec;
    spec.limits.max_replicas = 10;
    spec.queue = QueueSpec{};
    spec.objective = ObjectiveSpec{seconds(5), 0.99};
    ObjectivePolicy policy(spec);
    Meter meter(spec.metrics_window, spec.stale_after());
    Input in;
    in.at = time_at(1000);
    in.replicas = {.current = 2, .ready = 2};
    int most = 0;
    for (int t = -3; t < 8; ++t) {
      in.at += std::chrono::seconds(1);
      auto& q = in.queue.emplace();
      q.num_ack_pending.reset();
      q.totals.incarnation = "1";
      if (t < 0)
        q.totals.arrived = q.totals.delivered = 0;
      else
        q.num_pending = static_cast<std::uint64_t>(std::max(0, waiting + t * more_each_second));
      policy.observe(*meter.observe(in));
      most = std::max(most,
                      policy.recommend({in.at, in.replicas, meter.latest(in.at), meter.mean(in.at)}).wanted);
    }
    return most;
  };
  EXPECT_EQ(wanted(10, 20), 4);
  EXPECT_EQ(wanted(70, -1), 4) << "it falls, and would take a minute";
  EXPECT_EQ(wanted(100, -20), 2);
}

// The queue was empty for minutes; what comes then wakes the service, long before the counters tell of it.
TEST(ObjectiveSteps, AfterWakingFromZeroTheOldestIsAsOldAsItCanBe) {
  ServiceSpec spec;
  spec.limits.min_replicas = 0;
  spec.limits.max_replicas = 10;
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{};
  ObjectivePolicy policy(spec);
  Meter meter(spec.metrics_window, spec.stale_after());
  std::uint64_t came = 0, done = 0, told_came = 0, told_done = 0, pending = 0;
  const auto second = [&](int t, std::uint64_t arrivals, int replicas) {
    came += arrivals;
    pending += arrivals;
    const auto taken = std::min<std::uint64_t>(pending, static_cast<std::uint64_t>(20 * replicas));
    done += taken;
    pending -= taken;
    if (t % 5 == 0) {
      told_came = came;
      told_done = done;
    }
    Input in;
    in.at = time_at(1000 + t);
    in.replicas = {.current = replicas, .ready = replicas};
    auto& q = in.queue.emplace();
    q.num_pending = pending;
    q.num_ack_pending = replicas > 0 && pending > 0 ? static_cast<std::uint64_t>(replicas) : 0;
    q.totals.incarnation = "1";
    q.totals.arrived = told_came;
    q.totals.delivered = told_done;
    if (t > 0) q.step = std::chrono::seconds(t % 5 == 0 ? 3 : 8);
    policy.observe(*meter.observe(in));
    const auto r = policy.recommend({in.at, in.replicas, meter.latest(in.at), meter.mean(in.at)});
    for (const auto& [name, v] : r.numbers) {
      if (name == "oldest_wait") return v;
    }
    return -1.0;
  };
  int t = 0;
  for (; t < 60; ++t) second(t, 30, 1);  // what a replica does is learned
  for (; pending > 0; ++t) second(t, 0, 5);
  for (const int end = t + 240; t < end; ++t) second(t, 0, 0);
  while (t % 5 != 1) second(t++, 0, 0);
  EXPECT_NEAR(second(t++, 40, 0), 1, 1e-6);
  EXPECT_NEAR(second(t++, 40, 0), 2, 1e-6);
}

}  // namespace
}  // namespace docktor
