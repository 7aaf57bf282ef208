// Advice adds replicas and never leads to fewer: thresholds step as early as they would have without it.
#include "core/policy_alone.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/autoscaler.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;

// Two more above 500 messages, one less at 100 or fewer; or by CPU.
class Thresholds final : public Policy {
 public:
  explicit Thresholds(Metric metric, double up = 500, double down = 100)
      : metric_(metric), up_(up), down_(down) {}
  Recommendation recommend(const Situation& in) override {
    Recommendation r;
    r.wanted = in.replicas.current;
    const double v = in.window.get(metric_).value_or(0);
    if (v > up_)
      r.wanted += 2;
    else if (v <= down_)
      r.wanted -= 1;
    r.reason = "thresholds";
    return r;
  }
  std::unique_ptr<Policy> memoryless_copy() const override { return std::make_unique<Thresholds>(*this); }

 private:
  Metric metric_;
  double up_, down_;
};

ServiceSpec spec() {
  ServiceSpec s;
  s.name = "a";
  s.limits.min_replicas = 1;
  s.limits.max_replicas = 20;
  s.check_interval = 10s;
  s.queue = QueueSpec{};
  return s;
}

// Messages as a fluid: `rate` a second come, a replica does 20 a second.
struct Service {
  explicit Service(Metric metric = Metric::kQueueBacklog, double up = 500, double down = 100)
      : scaler(spec(), std::make_unique<Thresholds>(metric, up, down)) {}

  Decision step(double t, double rate) {
    for (int i = 0; i < 10; ++i) {
      const double done = std::min(backlog + rate, 20.0 * current);
      backlog += rate - done;
      settled += done;
      QueueSample q;
      q.num_pending = static_cast<std::uint64_t>(std::llround(backlog));
      q.delivered_consumer_seq = static_cast<std::uint64_t>(std::llround(settled));
      const double cpu = 100 * done / (20.0 * current);
      scaler.observe({time_at(t - 9 + i), {current, current}, q, {{{.id = "1", .cpu = cpu}}}});
    }
    return scaler.evaluate(time_at(t), {current, current}, overrides);
  }
  void advise(Decision& d, const Advice& a) { d = scaler.advise(d, a); }
  bool carried_on() const { return scaler.save()["policy_alone"].contains("replicas"); }

  Autoscaler scaler;
  Overrides overrides;
  int current = 1;
  double backlog = 0, settled = 0;
};

const Advice kMore{.kind = AdviceKind::kAdd, .replicas = 100, .reason = "more"};
const Advice kNo{.kind = AdviceKind::kCancel, .reason = "no"};

// Bursts that never come at the same phase of the checks.
double burst(double t) { return std::fmod(t, 170) < 70 ? 210 : 25; }

int steps_with_advice(Service& with, Service& without, double until, int* fewer) {
  int advised = 0;
  for (double t = 10; t <= until; t += 10) {
    without.current = without.step(t, burst(t)).target;
    Decision d = with.step(t, burst(t));
    const int policys = d.target;
    if (d.action == Action::kScaleDown) with.advise(d, kNo);
    if (d.action == Action::kScaleUp && std::fmod(t, 50) == 0) with.advise(d, kMore);
    advised += d.target != policys;
    with.current = d.target;
    *fewer += with.current < without.current;
  }
  return advised;
}

// Up to a decision that advice has just changed; its time.
double parted(Service& s) {
  for (double t = 10; t < 7200; t += 10) {
    Decision d = s.step(t, burst(t));
    if (d.action == Action::kScaleDown && s.current > 5) s.advise(d, kNo);
    s.current = d.target;
    if (s.carried_on()) return t;
  }
  ADD_FAILURE() << "advice changed nothing";
  return 0;
}

TEST(PolicyAlone, ThereAreNeverFewerReplicasThanWithoutAdvice) {
  Service with, without;
  int fewer = 0;
  EXPECT_GT(steps_with_advice(with, without, 7200, &fewer), 50);
  EXPECT_EQ(fewer, 0);
  EXPECT_LE(with.backlog, without.backlog);
}

TEST(PolicyAlone, TheSameByCpu) {
  Service with(Metric::kCpuAvg, 80, 30), without(Metric::kCpuAvg, 80, 30);
  int fewer = 0;
  EXPECT_GT(steps_with_advice(with, without, 7200, &fewer), 20);
  EXPECT_EQ(fewer, 0);
}

TEST(PolicyAlone, EndsWhereBothAreTheSameAgain) {
  Service s;
  for (double t = parted(s) + 10; t <= 1000; t += 10) s.current = s.step(t, 5).target;
  EXPECT_EQ(s.current, 1);
  EXPECT_FALSE(s.carried_on());
}

TEST(PolicyAlone, SaysWhyThereAreMoreThanThePolicyAsksFor) {
  Service with, without;
  std::string reason;
  for (double t = 10; t <= 7200 && reason.empty(); t += 10) {
    Decision d = with.step(t, burst(t));
    if (d.action == Action::kScaleUp && d.limits.size() == 1 && d.limits[0].name == "advice") {
      reason = d.reason;
      EXPECT_LT(d.recommendation.wanted, d.target);
      EXPECT_FALSE(with.scaler.open_to_advice(d, {}));
    }
    if (d.action == Action::kScaleDown) with.advise(d, kNo);
    with.current = d.target;
  }
  EXPECT_TRUE(reason.starts_with("thresholds; without the model's advice there would be ")) << reason;
}

TEST(PolicyAlone, APersonsNumberEndsIt) {
  Service s;
  const double t = parted(s);
  s.overrides.held = "held by ann";
  s.overrides.replicas = 2;
  EXPECT_EQ(s.step(t + 10, 25).target, 2);
  EXPECT_FALSE(s.carried_on());
}

TEST(PolicyAlone, EndsWhereSomebodyElseScalesOrNobodyDoes) {
  Service s;
  double t = parted(s);
  s.current += 3;
  s.step(t + 10, 25);
  EXPECT_FALSE(s.carried_on());
  // A dry run: the replicas stay as they are.
  Service dry;
  for (t = 10; t <= 120; t += 10) dry.current = dry.step(t, burst(t)).target;
  for (; t < 7200 && !dry.carried_on(); t += 10) {
    Decision d = dry.step(t, burst(t));
    if (d.action == Action::kScaleDown) dry.advise(d, kNo);
  }
  ASSERT_TRUE(dry.carried_on());
  int targets_differ = 0;
  Service plain;
  plain.current = dry.current;
  plain.backlog = dry.backlog;
  plain.settled = dry.settled;
  for (; t < 9000; t += 10) targets_differ += dry.step(t, burst(t)).target != plain.step(t, burst(t)).target;
  EXPECT_LE(targets_differ, 1);
  EXPECT_FALSE(dry.carried_on());
}

TEST(PolicyAlone, ARestartGoesOnWithTheSameDecisions) {
  Service a;
  const double at = parted(a);
  Service b;
  b.scaler.restore(a.scaler.save(), time_at(at));
  b.current = a.current;
  b.backlog = a.backlog;
  b.settled = a.settled;
  for (double t = at + 10; t <= at + 1000; t += 10) {
    const Decision x = a.step(t, burst(t)), y = b.step(t, burst(t));
    EXPECT_EQ(x.target, y.target) << t;
    EXPECT_EQ(a.scaler.save()["policy_alone"], b.scaler.save()["policy_alone"]) << t;
    a.current = x.target;
    b.current = y.target;
  }
}

// A model is slower than samples; the journal has its answer with the decision that it was asked about.
TEST(PolicyAlone, SamplesThatComeBeforeTheAnswerCountAsIfTheyCameAfterIt) {
  Service a, b;
  Decision d;
  for (double t = 10; t < 7200; t += 10) {
    d = a.step(t, burst(t));
    b.step(t, burst(t));
    if (d.action == Action::kScaleDown && a.current > 5) break;
    a.current = b.current = d.target;
  }
  ASSERT_EQ(d.action, Action::kScaleDown);
  const auto sample = [&](Service& s, int i) {
    QueueSample q;
    q.num_pending = static_cast<std::uint64_t>(s.backlog) + 50 * static_cast<std::uint64_t>(i);
    q.delivered_consumer_seq =
        static_cast<std::uint64_t>(std::llround(s.settled)) + 90 * static_cast<std::uint64_t>(i);
    s.scaler.observe({d.at + std::chrono::seconds(i), {s.current, s.current}, q, std::nullopt});
  };
  Decision same = d;
  a.advise(d, kNo);
  for (int i = 1; i <= 3; ++i) sample(a, i);
  for (int i = 1; i <= 3; ++i) sample(b, i);
  b.advise(same, kNo);
  EXPECT_TRUE(a.carried_on());
  EXPECT_EQ(a.scaler.save()["policy_alone"], b.scaler.save()["policy_alone"]);
}

// Eight seconds to start: a replica that is there already helps the real service, not the one without advice.
TEST(PolicyAlone, CountsOnlyReplicasThatWouldHaveStarted) {
  PolicyAlone alone(10s);
  LimitsSpec bounds{.min_replicas = 1, .max_replicas = 20};
  ServiceSpec service = spec();
  service.limits = bounds;
  const Limits limits(service);
  const auto sample = [](double t, int current, int ready) {
    Observation o;
    o.at = time_at(t);
    o.queue_at = o.at;
    o.replicas = {current, ready};
    o.queue.num_pending = 1000;
    o.flow = Flow{.length = 1s, .settled = 20.0 * ready};
    return o;
  };
  for (int t = 0; t <= 10; ++t) alone.observe(sample(t, t < 2 ? 2 : 4, t < 10 ? 2 : 4));
  Decision d;
  d.at = time_at(10);
  d.current = 2;
  d.target = 4;
  alone.part(limits, std::make_unique<Thresholds>(Metric::kQueueBacklog), d);
  for (int t = 11; t <= 17; ++t) alone.observe(sample(t, 4, 4));
  EXPECT_DOUBLE_EQ(alone.behind(), 7 * 2 * 20.0);
  for (int t = 18; t <= 30; ++t) alone.observe(sample(t, 4, 4));
  EXPECT_DOUBLE_EQ(alone.behind(), 7 * 2 * 20.0);
}

TEST(PolicyAlone, ASavedStateThatIsRubbishIsIgnored) {
  for (const char* text :
       {R"(7)", R"({"replicas":[[1,-1]],"behind":0,"differences":[],"limits":{}})",
        R"({"replicas":[[0,3]],"behind":"x","differences":[]})", R"({"start":-1,"starting":[9e18,1]})",
        R"({"settled":1e17,"worked":1})", R"({"last":[1],"differences":[[]]})"}) {
    Service s;
    auto state = s.scaler.save();
    state["policy_alone"] = nlohmann::json::parse(text);
    s.scaler.restore(state, time_at(0));
    EXPECT_FALSE(s.carried_on()) << text;
    EXPECT_EQ(s.step(10, 5).target, 1) << text;
  }
}

}  // namespace
}  // namespace docktor
