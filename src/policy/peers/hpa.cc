#include "policy/peers/hpa.h"

#include <fmt/format.h>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Hpa final : public Periodic {
 public:
  explicit Hpa(const HpaPolicyKnobs& k)
      : Periodic(k.sync), law_(k.law), messages_(k.messages), rate_(k.rate), arrivals_(k.rate_window) {}

  void observe(const Observation& sample) override { add_arrivals(arrivals_, sample); }

 private:
  Recommendation decide(const Situation& in) override {
    std::vector<HpaMetric> metrics;
    if (messages_ > 0) metrics.push_back({backlog(in), messages_});
    if (rate_ > 0) metrics.push_back({arrivals_.mean(in.now), rate_});
    const int n = law_.sync(in.now, in.replicas.current, metrics);
    return want(n, fmt::format("backlog {:g}: {} {}", backlog(in), n, law_.limited()));
  }

  HpaLaw law_;
  double messages_;
  double rate_;
  MovingMean arrivals_;
};

// Targets are absolute, or a share of what the goal allows.
struct HpaRow {
  double messages = 0;  // absolute
  double of_goal = 0;   // × max_wait × capacity
  double of_rate = 0;   // × capacity
  int down_window = 300;
  bool fast = false;  // up by 900 % a 15 s instead of the default rates
  int rate_window = 60;
};

Setting hpa_setting(const HpaRow& row) {
  std::string name;
  if (row.messages > 0) name = fmt::format("backlog {} a replica", row.messages);
  if (row.of_goal > 0) name = fmt::format("backlog max_wait × capacity × {} a replica", row.of_goal);
  if (row.of_rate > 0) {
    name += fmt::format("{}rate capacity × {} (mean of {} s)", name.empty() ? "" : ", ", row.of_rate,
                        row.rate_window);
  }
  name += fmt::format(", scaleDown window {} s", row.down_window);
  if (row.fast) name += ", scaleUp 900 %/15 s";
  return {name, [row](const ServiceSpec& service, const Known& known) {
            const Goal goal(service);
            HpaPolicyKnobs k;
            k.law.min_replicas = std::max(1, goal.min_replicas);
            k.law.max_replicas = goal.max_replicas;
            k.law.behavior->down_window = std::chrono::seconds(row.down_window);
            if (row.fast) k.law.behavior->up = {{true, 900, std::chrono::seconds(15)}};
            k.messages = row.messages > 0 ? row.messages : goal.messages(row.of_goal, known.capacity);
            k.rate = row.of_rate * known.capacity;
            k.rate_window = std::chrono::seconds(row.rate_window);
            return hpa_policy(k);
          }};
}

}  // namespace

std::unique_ptr<Policy> hpa_policy(const HpaPolicyKnobs& knobs) { return std::make_unique<Hpa>(knobs); }

Peer hpa_peer() {
  Peer p{.name = "hpa",
         .adaptation = true,
         .adaptation_note =
             "External metrics with AverageValue; HPA has no default target, its documentation's "
             "example of a queue has 30 messages a replica",
         .source = "kubernetes.io: Horizontal Pod Autoscaling, and its walkthrough"};
  for (const HpaRow& row :
       {HpaRow{.messages = 30}, HpaRow{.messages = 10, .down_window = 60}, HpaRow{.of_goal = 0.5},
        HpaRow{.of_goal = 0.25, .down_window = 60}, HpaRow{.of_goal = 0.125, .down_window = 60},
        HpaRow{.of_goal = 0.125, .down_window = 30, .fast = true}, HpaRow{.of_goal = 0.5, .of_rate = 0.8},
        HpaRow{.of_goal = 0.5, .of_rate = 0.8, .down_window = 60},
        HpaRow{.of_goal = 0.25, .of_rate = 0.9, .down_window = 60},
        HpaRow{.of_goal = 0.25, .of_rate = 0.9, .down_window = 30, .fast = true},
        HpaRow{.of_goal = 0.25, .of_rate = 0.9, .down_window = 30, .fast = true, .rate_window = 20},
        HpaRow{.of_goal = 0.25, .of_rate = 0.7, .down_window = 60, .fast = true, .rate_window = 20}}) {
    p.settings.push_back(hpa_setting(row));
  }
  return p;
}

}  // namespace docktor::peers
