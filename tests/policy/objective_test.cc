// What must always hold of the objective policy, over random services, loads and faults (docs/objective.md).
// RC_PARAMS="max_success=N" asks for more cases than the default.
#include <gtest/gtest.h>
#include <rapidcheck.h>
// after rapidcheck.h
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "core/autoscaler.h"
#include "core/record.h"
#include "policy/policies.h"
#include "sim/pool.h"
#include "sim/run.h"

namespace docktor {
namespace {

using sim::Load;
using sim::Pool;
using sim::World;

struct Moment {
  Input input;
  bool sample = true;  // it arrives
  Time now{};          // of the evaluation
};

// A service under a random load, played closed loop by one autoscaler; what it saw, to be played again to
// others.
struct Story {
  ServiceSpec spec;
  std::vector<Moment> moments;
};

ServiceSpec any_spec() {
  ServiceSpec s;
  s.name = "consumer";
  s.limits.min_replicas = *rc::gen::inRange(0, 4);
  s.limits.max_replicas = s.limits.min_replicas + *rc::gen::element(1, 5, 30, 200);
  s.check_interval = seconds(*rc::gen::element(0.5, 1.0, 1.0, 5.0, 30.0));
  s.sample_interval = s.check_interval;
  s.queue = QueueSpec{};
  s.objective =
      ObjectiveSpec{seconds(*rc::gen::element(1.0, 5.0, 15.0, 90.0)), *rc::gen::element(0.9, 0.99, 0.999)};
  return s;
}

World any_world() {
  World w;
  w.worker.service_mean = *rc::gen::element(0.002, 0.01, 0.05, 0.5);
  w.worker.service_cv = *rc::gen::element(0.0, 0.3, 1.0, 2.0);
  w.worker.startup_mean = *rc::gen::element(0.2, 1.0, 3.0, 10.0, 60.0);
  w.worker.startup_sd = w.worker.startup_mean * *rc::gen::element(0.0, 0.25, 0.5);
  w.worker.prefetch = *rc::gen::element(1, 1, 4, 30);
  w.worker.speed_cv = *rc::gen::element(0.0, 0.0, 0.4);
  w.worker.bottleneck = *rc::gen::element(0, 0, 0, 3);
  w.worker.fetch = *rc::gen::element(1, 1, 1, 10, 100);
  w.worker.poll = *rc::gen::element(0.0, 0.0, 0.0, 0.5);
  w.worker.seen_late = *rc::gen::element(0.0, 0.0, 0.0, 0.5);
  w.worker.warm_up = *rc::gen::element(0.0, 0.0, 0.0, 20.0);
  w.worker.ready_late = *rc::gen::element(0.0, 0.0, 2.0);
  w.worker.ready_early = *rc::gen::element(0.0, 0.0, 3.0, 60.0);
  w.arrivals.clump = *rc::gen::element(1, 1, 20);
  w.faults.crash_per_hour = *rc::gen::element(0.0, 0.0, 30.0);
  return w;
}

Load any_load(double mu) {
  Load load;
  load.name = "any";
  double t = 0;
  const int rows = *rc::gen::inRange(1, 8);
  for (int i = 0; i < rows; ++i) {
    load.rows.push_back({t, mu * *rc::gen::element(0.0, 0.02, 0.5, 1.0, 4.0, 20.0)});
    t += *rc::gen::element(2.0, 15.0, 60.0);
  }
  load.rows.push_back({t, 0});
  return load;
}

// Samples are lost, counters begin anew or go mad, somebody else changes the replicas.
Story any_story(bool chaos) {
  Story story;
  story.spec = any_spec();
  const World world = any_world();
  const Load load = any_load(1 / world.worker.service_mean);
  Pool pool(world, load, *rc::gen::arbitrary<std::uint64_t>(), story.spec.limits.min_replicas, 1);
  Autoscaler a(story.spec, make_policy(story.spec));
  const double every = to_seconds(story.spec.check_interval);
  const double epoch = *rc::gen::element(0.0, 1.7e9);
  const int most = 150;
  for (int i = 0; i < most && i * every < load.length() + 10; ++i) {
    const double now = i * every;
    pool.advance(now);
    Moment m;
    m.now = time_at(epoch + now);
    m.input = {m.now, pool.counts(), pool.sample(), std::nullopt};
    if (chaos) {
      switch (*rc::gen::inRange(0, 40)) {
        case 0:
          m.sample = false;
          break;
        case 1:
          pool.reset_counters();
          m.input.queue = pool.sample();
          break;
        case 2:
          m.input.queue->num_pending += 1ull << 45;
          break;
        case 3:
          m.input.queue->num_pending = 0;
          break;
        case 4:
          *m.input.queue->num_ack_pending += 1000;
          break;
        case 5:
          m.input.queue->last_seq.reset();
          break;
        case 6:
          pool.scale(*rc::gen::inRange(0, story.spec.limits.max_replicas + 10));
          break;
        case 7:
          m.input.replicas.ready = 0;
          break;
        case 8:
          m.now += std::chrono::seconds(*rc::gen::inRange(0, 200));
          break;
        default:
          break;
      }
    }
    if (!story.moments.empty() && m.now <= story.moments.back().now)
      m.now = story.moments.back().now + Duration(1);
    if (m.sample) a.observe(m.input);
    const Decision d = a.evaluate(m.now, m.input.replicas);
    if (d.action != Action::kHold) pool.scale(d.target);
    story.moments.push_back(std::move(m));
  }
  return story;
}

std::vector<Decision> play(const Story& story,
                           const std::function<void(Autoscaler&, std::size_t)>& each = {}) {
  Autoscaler a(story.spec, make_policy(story.spec));
  std::vector<Decision> out;
  for (std::size_t i = 0; i < story.moments.size(); ++i) {
    const Moment& m = story.moments[i];
    if (m.sample) a.observe(m.input);
    out.push_back(a.evaluate(m.now, m.input.replicas));
    if (each) each(a, i);
  }
  return out;
}

std::string line(const Decision& d) { return to_line(to_json(d)); }

RC_GTEST_PROP(Objective, EveryTargetIsWithinBounds, ()) {
  const Story story = any_story(true);
  const auto& l = story.spec.limits;
  for (const Decision& d : play(story)) {
    const bool on_its_way_down = d.current > l.max_replicas && d.target < d.current;
    RC_ASSERT((d.target >= l.min_replicas && d.target <= l.max_replicas) || on_its_way_down);
    RC_ASSERT(!d.reason.empty());
    for (const auto& [name, v] : d.recommendation.numbers) RC_ASSERT(std::isfinite(v));
  }
}

RC_GTEST_PROP(Objective, NoScaleDownOnStaleOrMissingDataAndAResetNeverMovesTheTarget, ()) {
  const Story story = any_story(true);
  const auto& l = story.spec.limits;
  Autoscaler a(story.spec, make_policy(story.spec));
  for (const Moment& m : story.moments) {
    if (m.sample) a.observe(m.input);
    const Observation latest = a.latest(m.now);
    const Decision d = a.evaluate(m.now, m.input.replicas);
    const bool inside = d.current >= l.min_replicas && d.current <= l.max_replicas;
    if (latest.queue_stale && inside) RC_ASSERT(d.target >= d.current);
    if (latest.reset && inside) RC_ASSERT(d.target == d.current);
    if (d.target == 0 && d.current > 0) RC_ASSERT(latest.work() == 0.0);
  }
}

RC_GTEST_PROP(Objective, TheSameInputGivesTheSameOutput, ()) {
  const Story story = any_story(true);
  const auto one = play(story), two = play(story);
  for (std::size_t i = 0; i < one.size(); ++i) RC_ASSERT(line(one[i]) == line(two[i]));
}

RC_GTEST_PROP(Objective, SavedAndRestoredDecidesAsUninterrupted, ()) {
  const Story story = any_story(true);
  const std::size_t cut = *rc::gen::inRange<std::size_t>(0, story.moments.size());
  std::string state;
  const auto whole = play(story, [&](Autoscaler& a, std::size_t i) {
    if (i == cut) state = a.save().dump();
  });
  Autoscaler again(story.spec, make_policy(story.spec));
  again.restore(nlohmann::json::parse(state), story.moments[cut].now);
  for (std::size_t i = cut + 1; i < story.moments.size(); ++i) {
    const Moment& m = story.moments[i];
    if (m.sample) again.observe(m.input);
    RC_ASSERT(line(again.evaluate(m.now, m.input.replicas)) == line(whole[i]));
  }
}

RC_GTEST_PROP(Objective, OneSampleWithMoreWorkNeverGivesFewerReplicas, ()) {
  const Story story = any_story(false);
  const std::size_t at = *rc::gen::inRange<std::size_t>(0, story.moments.size());
  const std::uint64_t more = *rc::gen::element<std::uint64_t>(1, 3, 20, 500, 100'000);
  int target[2] = {};
  for (int i : {0, 1}) {
    Autoscaler a(story.spec, make_policy(story.spec));
    for (std::size_t k = 0; k <= at; ++k) {
      Moment m = story.moments[k];
      if (k == at && i == 1) {
        m.input.queue->num_pending += more;
        if (m.input.queue->last_seq) *m.input.queue->last_seq += more;
      }
      a.observe(m.input);
      const Decision d = a.evaluate(m.now, m.input.replicas);
      target[i] = d.target;
    }
  }
  RC_ASSERT(target[1] >= target[0]);
}

}  // namespace
}  // namespace docktor
