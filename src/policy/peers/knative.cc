#include "policy/peers/knative.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Knative final : public Periodic {
 public:
  explicit Knative(const KnativeKnobs& k)
      : Periodic(k.tick),
        k_(k),
        target_(std::max(0.01, k.total * k.utilization)),
        stable_(k.stable_window),
        panic_(seconds(to_seconds(k.stable_window) * k.panic_share)) {}

  // Buckets of a second; a gap counts as nothing asked for.
  void observe(const Observation& sample) override {
    if (!sample.queue_at || (k_.rps && !sample.flow)) return;
    const double seen = k_.rps ? sample.flow->arrivals / to_seconds(sample.flow->length) : sample.work();
    const double buckets = last_ ? std::max(1.0, std::round(to_seconds(sample.at - *last_))) : 1;
    last_ = sample.at;
    stable_.add(sample.at, seen, buckets);
    panic_.add(sample.at, seen, buckets);
  }

 private:
  Recommendation decide(const Situation& in) override {
    const auto stable = stable_.mean(in.now), panic = panic_.mean(in.now);
    if (!stable || !panic) return hold(in, "no metric yet", true);
    const double ready = std::max(1, in.replicas.ready);
    if (!started_) {
      started_ = true;
      active_since_ = in.now;
      if (in.replicas.current > 1) {
        panicked_ = in.now;
        most_in_panic_ = in.replicas.current;
      }
    }
    const double steady = rounded(*stable), recent = rounded(*panic);
    const double up = std::ceil(k_.max_up_rate * ready), down = std::floor(ready / k_.max_down_rate);
    const double in_panic = std::ceil(recent / target_);
    const int s = static_cast<int>(std::clamp(std::ceil(steady / target_), down, up));
    const int p = static_cast<int>(std::clamp(in_panic, down, up));
    if (in_panic / ready >= k_.panic_threshold) {
      panicked_ = in.now;
    } else if (panicked_ && *panicked_ + k_.stable_window < in.now) {
      panicked_.reset();
      most_in_panic_ = 0;
    }
    int n = s;
    if (panicked_) n = most_in_panic_ = std::max({most_in_panic_, s, p});
    n = delayed(in.now, n);
    n = k_.min_replicas > 0 ? std::max(n, k_.min_replicas) : towards_zero(in, n);
    if (k_.max_replicas > 0) n = std::min(n, k_.max_replicas);
    return want(
        n, fmt::format("stable {:g}, panic {:g}: {}{}", *stable, *panic, n, panicked_ ? " in panic" : ""));
  }

  // To the six digits that the published windows keep: what rounding left of nothing asks for no replica.
  static double rounded(double mean) { return std::round(mean * 1e6) / 1e6; }

  int delayed(Time now, int n) {
    if (k_.scale_down_delay <= Duration::zero()) return n;
    while (!wanted_.empty() && wanted_.front().first <= now - k_.scale_down_delay) wanted_.pop_front();
    // Falling from the front on: only those that may still be the highest are kept.
    while (!wanted_.empty() && wanted_.back().second <= n) wanted_.pop_back();
    wanted_.emplace_back(now, n);
    return wanted_.front().second;
  }

  // Zero comes in steps: one replica until it was active for a stable window, then the grace, then none.
  int towards_zero(const Situation& in, int n) {
    if (n > 0) {
      if (inactive_since_) active_since_ = in.now;
      inactive_since_.reset();
      return n;
    }
    if (in.replicas.current == 0) return 0;
    if (!inactive_since_) {
      if (in.now - active_since_ < k_.stable_window) return 1;
      inactive_since_ = in.now;
    }
    return in.now - *inactive_since_ >= k_.grace ? 0 : in.replicas.current;
  }

  KnativeKnobs k_;
  double target_;
  MovingMean stable_;
  MovingMean panic_;
  bool started_ = false;
  std::optional<Time> last_;
  std::optional<Time> panicked_;
  int most_in_panic_ = 0;
  Time active_since_{};
  std::optional<Time> inactive_since_;
  std::deque<std::pair<Time, int>> wanted_;
};

struct KnativeRow {
  double total = 0;          // concurrency, absolute
  double of_goal = 0;        // concurrency, × max_wait × capacity
  double utilization = 0.7;  // of the capacity, where neither is given
  int window = 60;
  double panic = 2;
};

Setting knative_setting(const KnativeRow& row) {
  std::string name = row.total > 0     ? fmt::format("concurrency {}", row.total)
                     : row.of_goal > 0 ? fmt::format("concurrency max_wait × capacity × {}", row.of_goal)
                                       : std::string("rps capacity");
  name += fmt::format(", utilization {:g} %, window {} s, panic at {:g} %", row.utilization * 100, row.window,
                      row.panic * 100);
  return {name, [row](const ServiceSpec& service, const Known& known) {
            const Goal goal(service);
            KnativeKnobs k;
            k.min_replicas = goal.min_replicas;
            k.max_replicas = goal.max_replicas;
            k.rps = row.total == 0 && row.of_goal == 0;
            k.total = row.total > 0     ? row.total
                      : row.of_goal > 0 ? goal.messages(row.of_goal, known.capacity)
                                        : known.capacity;
            k.utilization = row.utilization;
            k.stable_window = std::chrono::seconds(row.window);
            k.panic_threshold = row.panic;
            return knative_policy(k);
          }};
}

}  // namespace

std::unique_ptr<Policy> knative_policy(const KnativeKnobs& knobs) { return std::make_unique<Knative>(knobs); }

Peer knative_peer() {
  Peer p{
      .name = "knative",
      .adaptation = true,
      .adaptation_note =
          "a message waiting or in hand counts as a concurrent request, an arrival as a request; its default "
          "of 100 requests at once in a replica suits no worker that takes one message at a time, which is "
          "the setting with a concurrency of 1",
      .source = "knative.dev: Serving, autoscaling; knative/serving pkg/autoscaler"};
  for (const KnativeRow& row :
       {KnativeRow{.total = 100}, KnativeRow{.total = 1}, KnativeRow{.total = 10}, KnativeRow{.of_goal = 0.5},
        KnativeRow{.of_goal = 0.25, .window = 30}, KnativeRow{.utilization = 0.7},
        KnativeRow{.utilization = 0.8, .window = 30}, KnativeRow{.utilization = 0.9},
        KnativeRow{.utilization = 0.9, .window = 20, .panic = 1.5},
        KnativeRow{.utilization = 0.95, .window = 15, .panic = 1.1},
        KnativeRow{.utilization = 0.98, .window = 15, .panic = 1.2},
        KnativeRow{.utilization = 0.98, .window = 10, .panic = 1.1}}) {
    p.settings.push_back(knative_setting(row));
  }
  return p;
}

}  // namespace docktor::peers
