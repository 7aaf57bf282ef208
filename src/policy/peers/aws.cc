#include "policy/peers/aws.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Aws final : public Periodic {
 public:
  explicit Aws(const AwsKnobs& k) : Periodic(k.period), k_(k), arrivals_(k.period) {}

  void observe(const Observation& sample) override {
    if (k_.rate_target > 0) add_arrivals(arrivals_, sample);
  }

 private:
  Recommendation decide(const Situation& in) override {
    const int n = in.replicas.current;
    if (n == 0) return want(backlog(in) > 0 ? 1 : 0, "no instance");
    std::optional<int> most;
    std::string seen;
    if (k_.target > 0) most = judged(backlog_alarms_, in, backlog(in), k_.target, seen);
    if (k_.rate_target > 0) {
      const auto rate = arrivals_.mean(in.now);
      if (!rate && !most) return hold(in, "no point", true);
      // Without a point nothing is known that would let instances go.
      most = std::max(most.value_or(0), rate ? judged(rate_alarms_, in, *rate, k_.rate_target, seen) : n);
    }
    if (!most || *most == n) return hold(in, seen);
    if (in.replicas.ready < n) return hold(in, seen + ", instances not in service yet");
    return want(std::max(*most, k_.min_replicas), seen);
  }

  // How many points in a row were beyond either alarm.
  struct Alarms {
    int above = 0, below = 0;
  };

  // What one metric wants; n itself while neither alarm is on.
  int judged(Alarms& a, const Situation& in, double total, double target, std::string& seen) const {
    const double point = total / std::max(1, in.replicas.ready);
    a.above = point > target ? a.above + 1 : 0;
    a.below = point < k_.in_below * target ? a.below + 1 : 0;
    seen += fmt::format("{}{:g} an instance", seen.empty() ? "" : ", ", point);
    if (a.above < k_.points_out && a.below < k_.points_in) return in.replicas.current;
    const double share = total / (std::max(1, in.replicas.ready) * target);
    return static_cast<int>(std::min(1e9, std::ceil(in.replicas.current * share)));
  }

  AwsKnobs k_;
  MovingMean arrivals_;
  Alarms backlog_alarms_;
  Alarms rate_alarms_;
};

}  // namespace

std::unique_ptr<Policy> aws_policy(const AwsKnobs& knobs) { return std::make_unique<Aws>(knobs); }

Peer aws_peer() {
  Peer p{.name = "aws",
         .adaptation = true,
         .adaptation_note =
             "the consumer's backlog for that of an SQS queue; the target follows from the goal, as "
             "its documentation derives it",
         .source = "AWS: EC2 Auto Scaling, policy based on Amazon SQS, target tracking"};
  struct Row {
    double of_goal = 0;  // of max_wait × capacity, the backlog's target
    double of_rate = 0;  // of the capacity, the arrivals'
    int period = 60;
  };
  // 10 s are what high-resolution metrics allow.
  for (const Row& row :
       {Row{.of_goal = 1}, Row{.of_goal = 0.5}, Row{.of_goal = 0.25}, Row{.of_rate = 0.9},
        Row{.of_rate = 0.7}, Row{.of_goal = 0.5, .of_rate = 0.8}, Row{.of_goal = 0.5, .period = 10},
        Row{.of_goal = 0.25, .period = 10}, Row{.of_rate = 0.8, .period = 10},
        Row{.of_rate = 0.7, .period = 10}, Row{.of_goal = 1, .of_rate = 0.8, .period = 10},
        Row{.of_goal = 0.5, .of_rate = 0.9, .period = 10}}) {
    std::string name;
    if (row.of_goal > 0) name = fmt::format("backlog max_wait × capacity × {}", row.of_goal);
    if (row.of_rate > 0)
      name += fmt::format("{}arrivals capacity × {}", name.empty() ? "" : " and ", row.of_rate);
    p.settings.push_back({fmt::format("{} an instance, a point each {} s", name, row.period),
                          [row](const ServiceSpec& service, const Known& known) {
                            const Goal goal(service);
                            AwsKnobs k;
                            k.min_replicas = goal.min_replicas;
                            k.target = row.of_goal > 0 ? goal.messages(row.of_goal, known.capacity) : 0;
                            k.rate_target = row.of_rate * known.capacity;
                            k.period = std::chrono::seconds(row.period);
                            return aws_policy(k);
                          }});
  }
  return p;
}

}  // namespace docktor::peers
