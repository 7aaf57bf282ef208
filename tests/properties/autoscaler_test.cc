// What must always hold (docs/architecture.md), over random configurations, loads and faults.
// RC_PARAMS="max_success=N" asks for more cases than the default.
#include <gtest/gtest.h>
#include <rapidcheck.h>
// after rapidcheck.h
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "core/autoscaler.h"
#include "core/record.h"
#include "policy/policies.h"

namespace docktor {
namespace {

struct Step {
  double pause = 1;    // seconds since the step before
  bool sample = true;  // a sample arrives
  Input input;
  ReplicaCounts counts;
  Overrides overrides;
};

struct Story {
  ServiceSpec spec;
  std::vector<Step> steps;
};

ServiceSpec any_spec() {
  ServiceSpec s;
  s.name = "consumer";
  s.limits.min_replicas = *rc::gen::inRange(0, 6);
  s.limits.max_replicas = s.limits.min_replicas + *rc::gen::inRange(1, 20);
  s.limits.scale_up_by = *rc::gen::inRange(1, 30);
  s.limits.scale_down_by = *rc::gen::inRange(1, 30);
  s.limits.cooldown_up = seconds(*rc::gen::element(0.0, 0.0, 5.0, 30.0));
  s.limits.cooldown_down = seconds(*rc::gen::element(0.0, 0.0, 5.0, 30.0));
  s.limits.stabilization = seconds(*rc::gen::element(0.0, 0.0, 10.0));
  s.metrics_window = seconds(*rc::gen::element(1.0, 10.0));
  s.queue = QueueSpec{};
  s.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"},
                       {Metric::kCpuAvg, Op::kGreater, 75, "cpu.avg", "75"}},
                      {{Metric::kQueueBacklog, Op::kLessEqual, 100, "queue.backlog", "100"},
                       {Metric::kQueueRateIn, Op::kLess, 150, "queue.rate_in", "150"}}};
  return s;
}

// Counters that mostly behave: they grow, go back, jump, vanish; replicas come and go as they like.
Story any_story() {
  Story story;
  story.spec = any_spec();
  QueueSample q;
  double t = 1000;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    Step s;
    s.pause = *rc::gen::element(0.5, 1.0, 1.0, 1.0, 3.0, 6.0, 40.0);
    t += s.pause;
    s.sample = *rc::gen::weightedElement<bool>({{5, true}, {1, false}});
    const auto what = *rc::gen::inRange(0, 12);
    const auto n = *rc::gen::inRange<std::uint64_t>(0, 1500);
    if (what == 0)
      q = QueueSample{};  // re-created
    else if (what == 1)
      q.num_pending = 0;  // purged
    else if (what == 2)
      q.num_pending += 1ull << 40;  // absurd
    else if (what == 3)
      q.num_ack_pending = n;
    else {
      q.delivered_consumer_seq = q.delivered_consumer_seq.value_or(0) + n;
      q.delivered_stream_seq = q.delivered_stream_seq.value_or(0) + n;
      q.num_pending = *rc::gen::inRange<std::uint64_t>(0, 1500);
    }
    s.counts.current = *rc::gen::inRange(0, 30);
    s.counts.ready = s.counts.current == 0 ? 0 : *rc::gen::inRange(0, s.counts.current + 1);
    s.counts.failing = *rc::gen::weightedElement<int>({{9, 0}, {1, s.counts.current}});
    if (*rc::gen::inRange(0, 15) == 0) s.overrides.stopped_by_hand = "stopped by hand at 14:30";
    if (*rc::gen::inRange(0, 15) == 0) s.overrides.problem = "the target does not answer";
    s.input = {time_at(t), s.counts, q, std::nullopt};
    if (*rc::gen::inRange(0, 2) == 0) {
      ReplicaUsage u;
      u.id = "1";
      u.cpu = *rc::gen::inRange(0, 200);
      s.input.usage = {{u}};
    }
    story.steps.push_back(std::move(s));
  }
  return story;
}

std::vector<Decision> play(const Story& story,
                           const std::function<void(Autoscaler&, std::size_t)>& each = {}) {
  Autoscaler a(story.spec, make_policy(story.spec));
  std::vector<Decision> out;
  for (std::size_t i = 0; i < story.steps.size(); ++i) {
    const Step& s = story.steps[i];
    if (s.sample) a.observe(s.input);
    out.push_back(a.evaluate(s.input.at, s.counts, s.overrides));
    if (each) each(a, i);
  }
  return out;
}

RC_GTEST_PROP(AutoscalerProperties, EveryTargetIsWithinBoundsButForWhatAPersonStopped, ()) {
  const Story story = any_story();
  for (const Decision& d : play(story)) {
    RC_ASSERT(d.current >= 0);
    const auto& l = story.spec.limits;
    const bool above = d.current > l.max_replicas && d.target < d.current;  // on its way down
    const bool left_alone = d.target == d.current && (d.reason == "stopped by hand at 14:30" ||
                                                      d.reason == "the target does not answer");
    RC_ASSERT((d.target >= l.min_replicas && d.target <= l.max_replicas) || above || left_alone);
    RC_ASSERT((d.action == Action::kScaleUp) == (d.target > d.current));
    RC_ASSERT((d.action == Action::kScaleDown) == (d.target < d.current));
    RC_ASSERT(!d.reason.empty());
  }
}

RC_GTEST_PROP(AutoscalerProperties, NoScaleDownOnStaleMissingOrResetData, ()) {
  const Story story = any_story();
  Autoscaler a(story.spec, make_policy(story.spec));
  for (const Step& s : story.steps) {
    if (s.sample) a.observe(s.input);
    const Observation latest = a.latest(s.input.at);
    const Decision d = a.evaluate(s.input.at, s.counts, s.overrides);
    if (!latest.queue_stale && !latest.reset) continue;
    if (d.current > story.spec.limits.max_replicas)
      RC_ASSERT(d.target >= d.current - 1);
    else
      RC_ASSERT(d.target >= d.current);
  }
}

RC_GTEST_PROP(AutoscalerProperties, NoScaleDownWhileAMetricOfAnyRuleIsMissingOrStale, ()) {
  const Story story = any_story();
  Autoscaler a(story.spec, make_policy(story.spec));
  for (const Step& s : story.steps) {
    if (s.sample) a.observe(s.input);
    const Decision d = a.evaluate(s.input.at, s.counts, s.overrides);
    bool blind = false;
    for (const auto* rules : {&story.spec.rules->scale_up_when, &story.spec.rules->scale_down_when}) {
      for (const Rule& r : *rules) {
        const auto& o = d.observation;
        blind = blind || !o.get(r.metric) || (is_queue(r.metric) ? o.queue_stale : o.usage_stale);
      }
    }
    if (blind && d.current <= story.spec.limits.max_replicas) RC_ASSERT(d.target >= d.current);
  }
}

// What the queue does not give out, more replicas cannot take.
RC_GTEST_PROP(AutoscalerProperties, APausedQueueMovesNothingButTheBounds, ()) {
  Story story = any_story();
  for (Step& s : story.steps) s.input.queue->paused = "consumer W is paused until 2030-01-01T00:00:00Z";
  const auto& l = story.spec.limits;
  Autoscaler a(story.spec, make_policy(story.spec));
  for (const Step& s : story.steps) {
    if (s.sample) a.observe(s.input);
    const Decision d = a.evaluate(s.input.at, s.counts, s.overrides);
    if (d.current >= l.min_replicas && d.current <= l.max_replicas) RC_ASSERT(d.target == d.current);
  }
}

RC_GTEST_PROP(AutoscalerProperties, AResetNeverMovesTheTarget, ()) {
  const Story story = any_story();
  Autoscaler a(story.spec, make_policy(story.spec));
  for (const Step& s : story.steps) {
    if (s.sample) a.observe(s.input);
    const bool reset = a.latest(s.input.at).reset;
    const Decision d = a.evaluate(s.input.at, s.counts, s.overrides);
    const auto& l = story.spec.limits;
    if (reset && d.current >= l.min_replicas && d.current <= l.max_replicas) RC_ASSERT(d.target == d.current);
  }
}

RC_GTEST_PROP(AutoscalerProperties, TheSameInputGivesTheSameOutput, ()) {
  const Story story = any_story();
  const auto one = play(story), two = play(story);
  for (std::size_t i = 0; i < one.size(); ++i)
    RC_ASSERT(to_line(to_json(one[i])) == to_line(to_json(two[i])));
}

RC_GTEST_PROP(AutoscalerProperties, NeverToZeroWithWorkLeftAndNeverUpWhileReplicasFail, ()) {
  const Story story = any_story();
  Autoscaler a(story.spec, make_policy(story.spec));
  for (const Step& s : story.steps) {
    if (s.sample) a.observe(s.input);
    const Observation latest = a.latest(s.input.at);
    const Decision d = a.evaluate(s.input.at, s.counts, s.overrides);
    if (d.target == 0 && d.current > 0) RC_ASSERT(latest.work() == 0.0);
    if (s.counts.failing > 0) RC_ASSERT(d.target <= std::max(d.current, story.spec.limits.min_replicas));
  }
}

RC_GTEST_PROP(AutoscalerProperties, ValuesAreNeverNegativeOrWrapped, ()) {
  const Story story = any_story();
  for (const Decision& d : play(story)) {
    for (const auto& m : kMetrics) {
      const auto v = d.observation.get(m.metric);
      if (v) RC_ASSERT(*v >= 0 && *v < 1e16);
    }
  }
}

RC_GTEST_PROP(AutoscalerProperties, LimitsSavedAndRestoredDecideAsUninterrupted, ()) {
  Story story = any_story();
  story.spec.metrics_window =
      seconds(1);  // the meter's window begins anew after a restart; keep it out of this
  const auto whole = play(story);
  const std::size_t cut = *rc::gen::inRange<std::size_t>(0, story.steps.size());
  std::string state;
  play(story, [&](Autoscaler& a, std::size_t i) {
    if (i == cut) state = a.save().dump();
  });
  Autoscaler again(story.spec, make_policy(story.spec));
  again.restore(nlohmann::json::parse(state), story.steps[cut].input.at);
  // The first sample after a restart has no rate and no reset to compare with; from the second on both are
  // the same.
  std::size_t samples = 0;
  for (std::size_t i = cut + 1; i < story.steps.size(); ++i) {
    const Step& s = story.steps[i];
    if (s.sample) ++samples, again.observe(s.input);
    const Decision d = again.evaluate(s.input.at, s.counts, s.overrides);
    if (samples < 2) continue;
    if (d.current == whole[i].current && story.spec.limits.stabilization == Duration::zero())
      RC_ASSERT(d.target == whole[i].target);
  }
}

}  // namespace
}  // namespace docktor
