#include "policy/peers/nomad.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Nomad final : public Periodic {
 public:
  explicit Nomad(const NomadKnobs& k) : Periodic(k.evaluation_interval), k_(k), arrivals_(k.rate_window) {}

  void observe(const Observation& sample) override {
    if (k_.rate) add_arrivals(arrivals_, sample);
  }

 private:
  Recommendation decide(const Situation& in) override {
    const int count = in.replicas.current;
    auto total = k_.rate ? arrivals_.mean(in.now) : std::optional(backlog(in));
    if (total && k_.rate && k_.drain > 0) *total += backlog(in) / k_.drain;
    // A query without an answer fails the evaluation.
    if (!total) return hold(in, "the query has no value", true);
    const double value = *total / std::max(1, count);
    int n = std::clamp(strategy(count, k_.target == 0 ? value : value / k_.target), k_.min_replicas,
                       k_.max_replicas);
    std::string why = fmt::format("{:g} a replica: {}", value, n);
    if (n != count && cooling_until_ && in.now < *cooling_until_) return hold(in, why + ", cooldown");
    if (n != count) cooling_until_ = in.now + k_.cooldown;
    return want(n, std::move(why));
  }

  int strategy(int count, double factor) const {
    if (count == 0) return factor > 0 ? ceiling(factor) : 0;
    if (factor >= 1 - k_.threshold && factor <= 1 + k_.threshold) return count;
    int n = ceiling(count * factor);
    if (n > count && k_.max_scale_up > 0) n = std::min(n, count + k_.max_scale_up);
    if (n < count && k_.max_scale_down > 0) n = std::max(n, count - k_.max_scale_down);
    return n;
  }

  static int ceiling(double x) { return static_cast<int>(std::min(1e9, std::ceil(x))); }

  NomadKnobs k_;
  MovingMean arrivals_;
  std::optional<Time> cooling_until_;
};

struct NomadRow {
  double of_goal = 0;  // of max_wait × capacity: the backlog's share; 0: the rate
  double of_rate = 0;  // of the capacity
  int cooldown = 300;
  int rate_window = 60;
  bool drains = false;  // the query adds the backlog over max_wait
};

std::string nomad_name(const NomadRow& row) {
  if (row.of_goal > 0)
    return fmt::format("backlog max_wait × capacity × {} a replica, cooldown {} s", row.of_goal,
                       row.cooldown);
  return fmt::format("rate (mean of {} s){} capacity × {} a replica, cooldown {} s", row.rate_window,
                     row.drains ? " + backlog / max_wait" : "", row.of_rate, row.cooldown);
}

}  // namespace

std::unique_ptr<Policy> nomad_policy(const NomadKnobs& knobs) { return std::make_unique<Nomad>(knobs); }

Peer nomad_peer() {
  Peer p{.name = "nomad",
         .adaptation = true,
         .adaptation_note =
             "the strategy has no default query and target: the backlog, or the arrivals, per replica "
             "against what the goal allows; one cooldown, the same for both ways",
         .source = "Nomad Autoscaler: target-value strategy"};
  for (const NomadRow& row :
       {NomadRow{.of_goal = 1}, NomadRow{.of_goal = 0.5}, NomadRow{.of_goal = 0.25, .cooldown = 60},
        NomadRow{.of_goal = 0.25, .cooldown = 20}, NomadRow{.of_goal = 0.125, .cooldown = 20},
        NomadRow{.of_rate = 0.8}, NomadRow{.of_rate = 0.8, .cooldown = 60},
        NomadRow{.of_rate = 0.8, .cooldown = 10}, NomadRow{.of_rate = 0.8, .cooldown = 10, .rate_window = 20},
        NomadRow{.of_rate = 0.9, .cooldown = 10, .rate_window = 20},
        NomadRow{.of_rate = 0.9, .cooldown = 10, .rate_window = 20, .drains = true},
        NomadRow{.of_rate = 0.7, .cooldown = 10, .rate_window = 20, .drains = true}}) {
    p.settings.push_back({nomad_name(row), [row](const ServiceSpec& service, const Known& known) {
                            const Goal goal(service);
                            NomadKnobs k;
                            k.min_replicas = goal.min_replicas;
                            k.max_replicas = goal.max_replicas;
                            k.rate = row.of_goal == 0;
                            k.target = k.rate ? row.of_rate * known.capacity
                                              : goal.messages(row.of_goal, known.capacity);
                            k.rate_window = std::chrono::seconds(row.rate_window);
                            k.drain = row.drains ? goal.max_wait : 0;
                            k.cooldown = std::chrono::seconds(row.cooldown);
                            return nomad_policy(k);
                          }});
  }
  return p;
}

}  // namespace docktor::peers
