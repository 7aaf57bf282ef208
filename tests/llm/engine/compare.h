// The same load with and without an adviser, in virtual time: how many more messages are late, and what it
// costs.
#pragma once

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/adviser.h"
#include "core/record.h"
#include "policy/policies.h"
#include "sim/run.h"

namespace docktor::test {

/// What an adviser says in a simulation.
using Says = std::function<std::optional<Advice>(const Decision&, bool down)>;

struct Comparison {
  sim::RunResult without, with;
  int asked = 0, answered = 0;
  double more_late_points() const { return 100 * (with.over - without.over); }
  double cost_ratio() const { return with.replica_seconds / without.replica_seconds; }
};

inline ServiceSpec compared_service(bool objective) {
  ServiceSpec s;
  s.name = "consumer";
  s.limits.min_replicas = 1;
  s.limits.max_replicas = 100;
  s.check_interval = std::chrono::seconds(objective ? 5 : 10);
  s.queue = QueueSpec{};
  if (objective) {
    s.objective = ObjectiveSpec{};
  } else {
    s.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"}},
                        {{Metric::kQueueBacklog, Op::kLessEqual, 100, "queue.backlog", "100"}}};
  }
  return s;
}

/// The answers count as taking one second.
inline Comparison compare(sim::RunSpec run, const Says& says) {
  Comparison c;
  const auto make = [](const ServiceSpec& s) { return make_policy(s); };
  c.without = sim::run(run, make);
  run.adviser = [&](const Decision& d, bool down) {
    ++c.asked;
    auto advice = says(d, down);
    c.answered += advice.has_value();
    if (advice) advice = shortened_to(*advice, std::chrono::minutes(1));
    return sim::Answer{std::move(advice), 1};
  };
  c.with = sim::run(run, make);
  return c;
}

/// A worker carries 20 messages/s.
inline Comparison compare(const sim::Load& load, const ServiceSpec& service, const Says& says,
                          std::uint64_t seed = 1) {
  sim::RunSpec run;
  run.seed = seed;
  run.load = &load;
  run.service = service;
  return compare(std::move(run), says);
}

/// Asks a real adviser, waiting; as the daemon would show it the situation.
inline Says asking(Adviser& adviser, const ServiceSpec& service) {
  auto history = std::make_shared<std::vector<nlohmann::ordered_json>>();
  return [&adviser, service, history](const Decision& d, bool down) -> std::optional<Advice> {
    AdviceQuestion q;
    q.down = down;
    q.decision = to_json(d);
    q.decision["t"] = to_seconds(d.at);
    q.history = *history;
    q.bounds = service.limits;
    q.check_interval = service.check_interval;
    q.max_delay = std::chrono::minutes(1);
    history->push_back(q.decision);
    if (history->size() > 8) history->erase(history->begin());
    std::promise<Result<Advice>> answer;
    auto future = answer.get_future();
    adviser.ask(q, [&answer](Result<Advice> a) { answer.set_value(std::move(a)); });
    auto advice = future.get();
    if (!advice) return std::nullopt;
    return *std::move(advice);
  };
}

/// Worse than random: holds every scale-down, and adds all it may after every scale-up.
inline std::optional<Advice> hoarder(const Decision&, bool down) {
  if (down) return Advice{.kind = AdviceKind::kCancel, .reason = "never"};
  return Advice{.kind = AdviceKind::kAdd, .replicas = 1'000'000, .reason = "more"};
}

/// As the engine with random weights answers, without its time: every third answer is well formed, and says
/// anything. Each call has its own row of answers, the same for the same seed.
inline Says random_adviser(std::uint32_t seed) {
  auto random = std::make_shared<std::mt19937>(seed);
  return [random](const Decision&, bool down) -> std::optional<Advice> {
    auto& r = *random;
    if (r() % 3 != 0) return std::nullopt;
    if (r() % 3 == 0) return Advice{.kind = AdviceKind::kAgree, .reason = "?"};
    if (!down)
      return Advice{.kind = AdviceKind::kAdd, .replicas = static_cast<int>(r() % 100), .reason = "?"};
    if (r() % 2 == 0) return Advice{.kind = AdviceKind::kCancel, .reason = "?"};
    return Advice{.kind = AdviceKind::kDelay, .delay = std::chrono::seconds(r() % 3600), .reason = "?"};
  };
}

}  // namespace docktor::test
