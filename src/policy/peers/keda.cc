#include "policy/peers/keda.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Keda final : public Policy {
 public:
  explicit Keda(const KedaKnobs& k)
      : k_(k), hpa_(with_min(k)), poll_(k.polling_interval), sync_(k.hpa_sync) {}

  Recommendation recommend(const Situation& in) override {
    if (blind(in)) return hold(in, "no fresh sample", true);
    const double lag = backlog(in) + static_cast<double>(in.latest.queue.in_hand());
    if (!created_) created_ = in.now;
    const bool polled = poll_.due(in.now), synced = sync_.due(in.now);
    if (!polled && !synced) return hold(in, "not due");
    int n = in.replicas.current;
    if (polled) n = poll(in.now, n, lag);
    // The HPA does not know yet what the operator has just set.
    if (synced && n == in.replicas.current) n = hpa_.sync(in.now, n, {{lag, k_.lag_threshold}});
    return want(n, fmt::format("lag {:g}: {} {}", lag, n, hpa_.limited()));
  }

 private:
  static HpaKnobs with_min(const KedaKnobs& k) {
    HpaKnobs hpa = k.hpa;
    hpa.min_replicas = std::max(1, k.min_replicas);
    return hpa;
  }

  int poll(Time now, int current, double lag) {
    if (lag > k_.activation_threshold) {
      last_active_ = now;
      return current == 0 ? std::max(1, k_.min_replicas) : current;
    }
    if (k_.min_replicas > 0) return std::max(current, k_.min_replicas);
    // Never active yet: measured from its creation, with an initial cooldown of 0.
    const bool cool = last_active_ ? *last_active_ + k_.cooldown_period < now : *created_ < now;
    return cool ? 0 : current;
  }

  KedaKnobs k_;
  HpaLaw hpa_;
  Every poll_;
  Every sync_;
  std::optional<Time> created_;
  std::optional<Time> last_active_;
};

struct KedaRow {
  double lag = 0;       // absolute
  double of_goal = 0;   // × max_wait × capacity
  int down_window = 0;  // 0: `behavior` absent
  bool fast = false;    // up by 900 % a 15 s instead of the default rates
};

Setting keda_setting(const KedaRow& row) {
  std::string name = row.lag > 0 ? fmt::format("lagThreshold {}", row.lag)
                                 : fmt::format("lagThreshold max_wait × capacity × {}", row.of_goal);
  if (row.down_window > 0) name += fmt::format(", scaleDown window {} s", row.down_window);
  if (row.fast) name += ", scaleUp 900 %/15 s";
  return {name, [row](const ServiceSpec& service, const Known& known) {
            const Goal goal(service);
            KedaKnobs k;
            k.min_replicas = goal.min_replicas;
            k.hpa.max_replicas = goal.max_replicas;
            k.lag_threshold = row.lag > 0 ? row.lag : goal.messages(row.of_goal, known.capacity);
            if (row.down_window > 0) {
              k.hpa.behavior = HpaBehavior{.down_window = std::chrono::seconds(row.down_window)};
              if (row.fast) k.hpa.behavior->up = {{true, 900, std::chrono::seconds(15)}};
            }
            return keda_policy(k);
          }};
}

}  // namespace

std::unique_ptr<Policy> keda_policy(const KedaKnobs& knobs) { return std::make_unique<Keda>(knobs); }

Peer keda_peer() {
  Peer p{.name = "keda", .source = "keda.sh: scaling deployments, NATS JetStream scaler"};
  for (const KedaRow& row :
       {KedaRow{.lag = 10}, KedaRow{.lag = 10, .down_window = 60}, KedaRow{.lag = 5, .down_window = 60},
        KedaRow{.of_goal = 0.5}, KedaRow{.of_goal = 0.25}, KedaRow{.of_goal = 0.5, .down_window = 30},
        KedaRow{.of_goal = 0.25, .down_window = 30},
        KedaRow{.of_goal = 0.25, .down_window = 60, .fast = true},
        KedaRow{.of_goal = 0.125, .down_window = 30, .fast = true},
        KedaRow{.of_goal = 0.0625, .down_window = 60, .fast = true},
        KedaRow{.of_goal = 0.02, .down_window = 300, .fast = true},
        KedaRow{.lag = 1, .down_window = 300, .fast = true}}) {
    p.settings.push_back(keda_setting(row));
  }
  return p;
}

}  // namespace docktor::peers
