#include "policy/peers/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "policy/peers/loop.h"

namespace docktor::peers {
namespace {

class Docktor final : public Periodic {
 public:
  explicit Docktor(const DocktorKnobs& k)
      : Periodic(k.check), k_(k), backlog_(k.window), arrivals_(k.window) {}

  void observe(const Observation& sample) override {
    if (!sample.queue_at) return;
    backlog_.add(sample.at, static_cast<double>(sample.queue.num_pending), 1);
    add_arrivals(arrivals_, sample);
  }

 private:
  Recommendation decide(const Situation& in) override {
    const auto backlog = backlog_.mean(in.now), rate = arrivals_.mean(in.now);
    if (!backlog || !rate) return hold(in, "no rate yet", true);
    const int n = in.replicas.current;
    const std::string seen = fmt::format("backlog {:g}, rate_in {:g}", *backlog, *rate);
    if (*backlog > k_.up_backlog || *rate > k_.up_rate) return want(n + k_.up_by, seen);
    if (*backlog <= k_.down_backlog && *rate < k_.down_rate) return want(n - k_.down_by, seen);
    return hold(in, seen);
  }

  DocktorKnobs k_;
  MovingMean backlog_;
  MovingMean arrivals_;
};

class NatsByExample final : public Periodic {
 public:
  explicit NatsByExample(const NatsByExampleKnobs& k) : Periodic(std::chrono::seconds(1)), k_(k) {}

  void observe(const Observation& sample) override {
    if (!start_) start_ = sample.at;
    if (!sample.flow || !(sample.flow->arrivals > 0)) return;
    count_ += sample.flow->arrivals;
    last_receive_ = sample.at;
    rate_ = count_ / to_seconds(sample.at - *start_);
  }

 private:
  Recommendation decide(const Situation& in) override {
    const int n = in.replicas.current;
    if (!last_receive_ || in.now - *last_receive_ >= k_.inactive) return want(n - 1, "inactive");
    if (n == 0) return want(1, "a message came");
    const int most = static_cast<int>(std::min(1e9, std::ceil(rate_ / k_.rate_per_handler)));
    return want(std::min(n + 1, most), fmt::format("mean rate {:g}: at most {}", rate_, most));
  }

  NatsByExampleKnobs k_;
  std::optional<Time> start_;
  std::optional<Time> last_receive_;
  double count_ = 0;
  double rate_ = 0;
};

}  // namespace

std::unique_ptr<Policy> docktor_policy(const DocktorKnobs& knobs) { return std::make_unique<Docktor>(knobs); }
std::unique_ptr<Policy> natsbyexample_policy(const NatsByExampleKnobs& knobs) {
  return std::make_unique<NatsByExample>(knobs);
}

Peer docktor_peer() {
  Peer p{.name = "docktor", .source = "Docktor: example of NATS queue-aware autoscaling"};
  p.settings.push_back({"up 2 at backlog > 500 or rate > 200, down 1 at backlog <= 100 and rate < 150",
                        [](const ServiceSpec&, const Known&) { return docktor_policy({}); }});
  // Rates as thresholds on totals fit one size of the pool only; with the backlog alone the law follows the
  // load.
  const auto row = [&](double of_goal, double of_rate, int up_by) {
    std::string name = fmt::format("up {} at backlog > max_wait × capacity × {}", up_by, of_goal);
    if (of_rate > 0) name += fmt::format(" or rate > capacity × {}", of_rate);
    name += fmt::format(", down 1 at a fifth of it{}", of_rate > 0 ? " and 0.75 of the rate" : "");
    p.settings.push_back({std::move(name), [=](const ServiceSpec& service, const Known& known) {
                            DocktorKnobs k;
                            k.up_backlog = of_goal * Goal(service).max_wait * known.capacity;
                            k.down_backlog = k.up_backlog / 5;
                            k.up_rate = of_rate > 0 ? of_rate * known.capacity : 1e18;
                            k.down_rate = of_rate > 0 ? 0.75 * k.up_rate : 1e18;
                            k.up_by = up_by;
                            return docktor_policy(k);
                          }});
  };
  row(5, 0, 2);
  row(2, 0, 2);
  row(1, 0, 2);
  row(0.5, 0, 2);
  row(5, 0, 5);
  row(2, 0, 5);
  row(1, 0, 5);
  row(0.5, 0, 5);
  row(1, 0, 10);
  row(5, 5, 2);
  row(1, 20, 5);
  return p;
}

Peer natsbyexample_peer() {
  Peer p{.name = "natsbyexample", .source = "natsbyexample.com: auto-scaler"};
  p.settings.push_back({"500 messages/s a handler, inactive after 2 s",
                        [](const ServiceSpec&, const Known&) { return natsbyexample_policy({}); }});
  const auto row = [&](double of_rate, int inactive) {
    p.settings.push_back({fmt::format("capacity × {} a handler, inactive after {} s", of_rate, inactive),
                          [=](const ServiceSpec&, const Known& known) {
                            return natsbyexample_policy(
                                {of_rate * known.capacity, std::chrono::seconds(inactive)});
                          }});
  };
  for (const int inactive : {2, 30}) {
    for (const double of_rate : {1.0, 0.9, 0.8, 0.65, 0.5}) row(of_rate, inactive);
  }
  row(0.25, 30);
  return p;
}

}  // namespace docktor::peers
