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
    if (k_.rate) add_arrivals(arrivals_, sample);
  }

 private:
  Recommendation decide(const Situation& in) override {
    const int n = in.replicas.current;
    if (n == 0) return want(backlog(in) > 0 ? 1 : 0, "no instance");
    const auto total = k_.rate ? arrivals_.mean(in.now) : std::optional(backlog(in));
    if (!total) return hold(in, "no point", true);
    const double point = *total / std::max(1, in.replicas.ready);
    above_ = point > k_.target ? above_ + 1 : 0;
    below_ = point < k_.in_below * k_.target ? below_ + 1 : 0;
    const bool out = above_ >= k_.points_out, down = below_ >= k_.points_in;
    const std::string seen = fmt::format("{:g} an instance", point);
    if (!out && !down) return hold(in, seen);
    if (in.replicas.ready < n) return hold(in, seen + ", instances not in service yet");
    const int wanted =
        static_cast<int>(std::min(1e9, std::ceil(n * *total / (in.replicas.ready * k_.target))));
    return want(std::max(wanted, k_.min_replicas), seen);
  }

  AwsKnobs k_;
  MovingMean arrivals_;
  int above_ = 0;
  int below_ = 0;
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
  const auto row = [&](bool rate, double share, int period) {
    p.settings.push_back(
        {fmt::format("{} × {} an instance, a point each {} s",
                     rate ? "arrivals capacity" : "backlog max_wait × capacity", share, period),
         [=](const ServiceSpec& service, const Known& known) {
           const Goal goal(service);
           AwsKnobs k;
           k.min_replicas = goal.min_replicas;
           k.rate = rate;
           k.target = share * known.capacity * (rate ? 1 : goal.max_wait);
           k.period = std::chrono::seconds(period);
           return aws_policy(k);
         }});
  };
  // 10 s are what high-resolution metrics allow.
  for (const int period : {60, 10}) {
    for (const double share : {1.0, 0.5, 0.25}) row(false, share, period);
    for (const double share : {0.9, 0.8, 0.7}) row(true, share, period);
  }
  return p;
}

}  // namespace docktor::peers
