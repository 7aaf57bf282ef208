// The objective where what is counted is told late and seldom, as RabbitMQ does: counters and gauges move each five
// seconds, and are as old as that again. Simulated workers, and the sample maker that the real queue has.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <iterator>
#include <numeric>
#include <optional>

#include "core/autoscaler.h"
#include "policy/policies.h"
#include "queues/rabbitmq/sample_maker.h"
#include "sim/pool.h"

namespace docktor {
namespace {

using sim::Load;
using testing::AllOf, testing::Gt, testing::Lt;

// What the management API says: each figure as it was when the queue last told it, which the API shows `late` seconds after.
class LateServer {
 public:
  LateServer(double phase, double late, double hands_late)
      : told_(phase), late_(late), hands_late_(hands_late) {}

  void look(double now, const QueueSample& truth) {
    if (now + 1e-9 < told_) return;
    told_ += 5;
    counters_.push_back({now + late_, truth});
    hands_.push_back({now + hands_late_, truth});
  }
  QueueFigures figures(double now) {
    const auto last = [&](auto& list) -> std::optional<QueueSample> {
      while (list.size() > 1 && list[1].first <= now) list.pop_front();
      return list.empty() || list.front().first > now ? std::nullopt : std::optional(list.front().second);
    };
    QueueFigures f;
    f.type = "classic";
    if (const auto h = last(hands_)) {
      f.ready = h->num_pending;
      f.unacknowledged = h->num_ack_pending;
    }
    if (const auto c = last(counters_))
      f.stats = QueueFigures::Stats{*c->last_seq, *c->delivered_consumer_seq, 0};
    return f;
  }

 private:
  double told_;
  const double late_, hands_late_;
  std::deque<std::pair<double, QueueSample>> counters_, hands_;
};

struct Learned {
  double capacity = 0;  // the mean of what was learned over the true one, after a minute
  double late = 0;      // share of the messages
  double cost = 0;      // replica-seconds
};

Learned learn(const Load& load, double job, double max_wait, LateServer server, std::uint64_t seed) {
  sim::World world;
  world.worker.service_mean = job;
  world.worker.startup_mean = 1;
  world.worker.startup_sd = 0.2;
  sim::Pool pool(world, load, seed, 1, max_wait);
  ServiceSpec spec;
  spec.limits.min_replicas = 1;
  spec.limits.max_replicas = 50;
  spec.check_interval = spec.sample_interval = std::chrono::seconds(1);
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{seconds(max_wait), 0.99};
  Autoscaler autoscaler(spec, make_policy(spec));
  SampleMaker maker("mail");
  Learned out;
  int learned = 0;
  const SampleMaker::SteadyTime begin{std::chrono::seconds(1000)};
  for (int tenth = 0; tenth < 10 * load.length(); ++tenth) {
    const double now = tenth / 10.0;
    pool.advance(now);
    const auto truth = pool.sample();
    server.look(now, truth);
    if (tenth % 10 != 0) continue;
    Input in;
    in.at = time_at(1000 + now);
    in.replicas = pool.counts();
    const auto at = begin + std::chrono::milliseconds(100 * tenth);
    // Asked over AMQP: what waits and who is there, as they are now.
    const Declared declared{truth.num_pending, static_cast<std::uint64_t>(in.replicas.ready)};
    if (const auto q = maker.make(at, 0, declared, KnownFigures{server.figures(now), at})) in.queue = *q;
    autoscaler.observe(in);
    const auto d = autoscaler.evaluate(in.at, in.replicas);
    if (d.action != Action::kHold) pool.scale(d.target);
    out.cost += in.replicas.current;
    for (const auto& [name, value] : d.recommendation.numbers) {
      if (name != "capacity" || now < 60) continue;
      out.capacity += value * job;
      ++learned;
    }
  }
  if (learned > 0) out.capacity /= learned;
  out.late = pool.waits().over_share();
  return out;
}

// So many replicas have work for 40 s each.
constexpr double kBusy[] = {1, 6, 2, 9, 4, 10, 1, 8, 3, 7};

Load up_and_down(double job) {
  Load load{"steps", {}};
  for (const double replicas : kBusy)
    load.rows.push_back({40.0 * static_cast<double>(load.rows.size()), replicas / job});
  load.rows.push_back({40.0 * std::size(kBusy), 0});
  return load;
}

// The first messages in hand are told long before they are counted, and for 5 s each time: they look like one long job.
TEST(LateCounters, CapacityIsLearnedFromWhatIsCountedAndNotFromHandsThatAreToldSeldom) {
  const double work = 40 * std::accumulate(std::begin(kBusy), std::end(kBusy), 0.0);
  for (const double job : {0.05, 0.2}) {
    for (const double max_wait : {5.0, 10.0}) {
      for (const double late : {0.4, 2.9, 5.4}) {
        for (const double hands_late : {1.0, 4.2}) {
          for (const double phase : {0.3, 1.7, 3.1, 4.9}) {
            const auto l = learn(up_and_down(job), job, max_wait, {phase, late, hands_late}, 2);
            const auto what =
                fmt::format("jobs of {} s, max_wait {} s, counters {} s late, hands {} s, phase {}", job,
                            max_wait, late, hands_late, phase);
            EXPECT_THAT(l.capacity, AllOf(Gt(0.6), Lt(1.5))) << what;
            EXPECT_LT(l.cost, 1.8 * work) << what;
            EXPECT_LT(l.late, 0.02) << what;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace docktor
