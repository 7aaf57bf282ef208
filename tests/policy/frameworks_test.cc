// The objective where a framework counts what never comes, adds that BullMQ counts and drops; and where jobs wait for one another, as
// those of Graphile Worker's named queues and of Procrastinate's locks.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iterator>

#include "core/autoscaler.h"
#include "policy/policies.h"
#include "sim/pool.h"

namespace docktor {
namespace {

using sim::Load;

ServiceSpec objective(double max_wait, int min, int max) {
  ServiceSpec spec;
  spec.limits.min_replicas = min;
  spec.limits.max_replicas = max;
  spec.check_interval = spec.sample_interval = std::chrono::seconds(1);
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{seconds(max_wait), 0.99};
  return spec;
}

struct Outcome {
  double late = 0;  // share of the messages
  double cost = 0;  // replica-seconds
  int most = 0;
};

// As BullMQ's counter tells it until `found_at`: it grows with each add, also with one that is dropped since another has its id.
Outcome with_dropped(const Load& load, double job, double max_wait, double dropped_for_each, int found_at,
                     std::uint64_t seed) {
  sim::World world;
  world.worker.service_mean = job;
  world.worker.startup_mean = 1;
  world.worker.startup_sd = 0.2;
  sim::Pool pool(world, load, seed, 1, max_wait);
  const auto spec = objective(max_wait, 1, 50);
  Autoscaler autoscaler(spec, make_policy(spec));
  Outcome out;
  for (int second = 0; second < static_cast<int>(load.length()); ++second) {
    pool.advance(second);
    const auto truth = pool.sample();
    Input in;
    in.at = time_at(1000.0 + second);
    in.replicas = pool.counts();
    in.queue = QueueSample{};
    in.queue->num_pending = truth.num_pending;
    in.queue->num_ack_pending = truth.num_ack_pending;
    if (second < found_at) {
      in.queue->totals.incarnation = "bull";
      in.queue->totals.arrived =
          static_cast<std::uint64_t>(static_cast<double>(pool.arrived()) * (1 + dropped_for_each));
    }
    autoscaler.observe(in);
    const auto d = autoscaler.evaluate(in.at, in.replicas);
    if (d.action != Action::kHold) pool.scale(d.target);
    out.cost += in.replicas.current;
    out.most = std::max(out.most, in.replicas.current);
  }
  pool.count_abandoned();
  out.late = pool.waits().over_share();
  return out;
}

constexpr double kWorkers[] = {1, 6, 2, 9, 4, 10, 1, 8, 3, 7};

// So many replicas have work for 60 s each.
Load steps_of(double job) {
  Load load{"steps", {}};
  for (const double replicas : kWorkers)
    load.rows.push_back({60.0 * static_cast<double>(load.rows.size()), replicas / job});
  load.rows.push_back({60.0 * std::size(kWorkers), 0});
  return load;
}

// A source that has seen the event of a drop tells no arrivals any more, and what comes follows from what waits and is in hand.
TEST(DroppedAdds, TheObjectiveHoldsWhereHalfOfWhatBullMqCountsWasDropped) {
  constexpr int kNever = 9999;
  for (const double job : {0.05, 0.2}) {
    for (const double max_wait : {5.0, 10.0}) {
      for (const std::uint64_t seed : {1, 2}) {
        const auto load = steps_of(job);
        const auto none = with_dropped(load, job, max_wait, 0, kNever, seed);
        EXPECT_GT(with_dropped(load, job, max_wait, 1, kNever, seed).late, 0.3) << "what it saves from";
        for (const int found_at : {3, 20}) {
          const auto half = with_dropped(load, job, max_wait, 1, found_at, seed);
          const auto what = fmt::format("jobs of {} s, max_wait {} s, found after {} s, seed {}", job,
                                        max_wait, found_at, seed);
          EXPECT_LT(half.late, 0.005) << what;
          EXPECT_LT(half.cost, 1.8 * none.cost) << what;
          EXPECT_LT(half.most, 20) << what;
        }
      }
    }
  }
}

// Jobs that run one at a time. As docktor reads them one waits at most, and the others are for later.
class Lane {
 public:
  explicit Lane(double job) : job_(job) {}

  /// A tenth of a second, in which so many come.
  void step(double now, double come, int replicas) {
    owed_ += come;
    const auto whole = static_cast<std::uint64_t>(owed_);
    owed_ -= static_cast<double>(whole);
    waiting_ += whole;
    arrived_ += whole;
    while (replicas > 0 && free_at_ <= now && waiting_ > 0) {
      --waiting_;
      free_at_ = std::max(free_at_, now - 0.1) + job_;
    }
    at_work_ = free_at_ > now;
  }
  bool empty() const { return waiting_ == 0 && !at_work_; }
  QueueSample sample(bool counts) const {
    QueueSample q;
    q.num_pending = waiting_ > 0 && !at_work_ ? 1 : 0;
    q.num_ack_pending = at_work_ ? 1 : 0;
    q.scheduled = waiting_ - q.num_pending;
    if (counts) {
      q.totals.incarnation = "lane";
      q.totals.arrived = arrived_ - *q.scheduled;
    }
    return q;
  }

 private:
  const double job_;
  double owed_ = 0, free_at_ = 0;
  std::uint64_t waiting_ = 0, arrived_ = 0;
  bool at_work_ = false;
};

// More than one at a time can do come for minutes: no replica beyond the one that works would help.
TEST(JobsThatWaitForOneAnother, BringNoReplicasThatHaveNothingToDoAndAreDoneAsFastAsCanBe) {
  for (const bool counts : {true, false}) {
    const auto spec = objective(5, 0, 20);
    Autoscaler autoscaler(spec, make_policy(spec));
    Lane lane(0.2);
    std::deque<int> ordered(10, 0);  // a start takes a second
    int replicas = 0, most = 0;
    double done_at = 0;
    for (int tenth = 0; tenth < 10 * 1200; ++tenth) {
      const double now = tenth / 10.0;
      ordered.push_back(replicas);
      const int ready = std::min(ordered.front(), replicas);
      ordered.pop_front();
      lane.step(now, (now < 120 ? 3 : now < 600 ? 8 : now < 800 ? 2 : 0) / 10.0, ready);
      if (!lane.empty()) done_at = now;
      if (tenth % 10 != 0) continue;
      Input in;
      in.at = time_at(1000 + now);
      in.replicas = {replicas, ready, 0};
      in.queue = lane.sample(counts);
      autoscaler.observe(in);
      const auto d = autoscaler.evaluate(in.at, in.replicas);
      if (d.action != Action::kHold) replicas = d.target;
      most = std::max(most, replicas);
    }
    EXPECT_LE(most, 3) << counts;
    EXPECT_LT(done_at, 970 + 30) << "as early as one worker can be done, or little later";
    EXPECT_EQ(replicas, 0) << counts;
  }
}

}  // namespace
}  // namespace docktor
