#include "policy/peers/aws.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Aws final : public Periodic {
 public:
  explicit Aws(const AwsKnobs& k) : Periodic(k.period), k_(k) {}

 private:
  Recommendation decide(const Situation& in) override {
    const int n = in.replicas.current;
    if (n == 0) return want(backlog(in) > 0 ? 1 : 0, "no instance");
    const double point = backlog(in) / std::max(1, in.replicas.ready);
    above_ = point > k_.target ? above_ + 1 : 0;
    below_ = point < k_.in_below * k_.target ? below_ + 1 : 0;
    const bool out = above_ >= k_.points_out, down = below_ >= k_.points_in;
    const std::string seen = fmt::format("{:g} messages an instance", point);
    if (!out && !down) return hold(in, seen);
    if (in.replicas.ready < n) return hold(in, seen + ", instances not in service yet");
    const int wanted =
        static_cast<int>(std::min(1e9, std::ceil(n * backlog(in) / (in.replicas.ready * k_.target))));
    return want(std::max(wanted, k_.min_replicas), seen);
  }

  AwsKnobs k_;
  int above_ = 0;
  int below_ = 0;
};

}  // namespace

std::unique_ptr<Policy> aws_policy(const AwsKnobs& knobs) { return std::make_unique<Aws>(knobs); }

Peer aws_peer() {
  Peer p{.name = "aws",
         .adaptation = true,
         .adaptation_note =
             "the backlog of the consumer for that of an SQS queue; its target follows from the goal, as "
             "its documentation derives it",
         .source = "AWS: EC2 Auto Scaling, policy based on Amazon SQS, target tracking"};
  for (const int period : {60, 10}) {
    for (const double share : {1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125}) {
      p.settings.push_back(
          {fmt::format("max_wait × capacity × {} an instance, a point each {} s", share, period),
           [=](const ServiceSpec& service, const Known& known) {
             const Goal goal(service);
             AwsKnobs k;
             k.min_replicas = goal.min_replicas;
             k.target = share * goal.max_wait * known.capacity;
             k.period = std::chrono::seconds(period);
             return aws_policy(k);
           }});
    }
  }
  return p;
}

}  // namespace docktor::peers
