#include "app/evaluation.h"

#include <algorithm>
#include <cmath>

#include "core/limits.h"
#include "sim/run.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr double kHorizon = 300;  // seconds that are simulated from a change on

double number_at(const ordered_json& record, const char* key) {
  const auto it = record.find(key);
  return it != record.end() && it->is_number() ? it->get<double>() : 0.0;
}

double observed(const ordered_json& record, const char* metric) {
  const auto it = record.find("observations");
  return it != record.end() && it->is_object() ? number_at(*it, metric) : 0.0;
}

int whole(const ordered_json& record, const char* key) {
  return static_cast<int>(std::clamp(number_at(record, key), 0.0, 1e6));
}

// The load from `from` on for the horizon, with the backlog of that instant arriving in the first second.
sim::Load slice(const EvaluationWorld& world, double from, double backlog) {
  sim::Load out;
  out.name = "recorded";
  const auto& rows = world.load.rows;
  double rate = 0;
  for (const auto& row : rows) {
    if (row.at <= from) rate = row.rate;
  }
  out.rows.push_back({0, rate + std::max(0.0, backlog)});
  out.rows.push_back({1, rate});
  for (const auto& row : rows) {
    if (row.at > from + 1 && row.at < from + kHorizon) out.rows.push_back({row.at - from, row.rate});
  }
  out.rows.push_back({std::max(1.5, std::min(kHorizon, world.load.length() - from)), 0});
  while (out.rows.size() > 2 && out.rows[out.rows.size() - 2].at >= out.rows.back().at)
    out.rows.erase(out.rows.end() - 2);
  return out;
}

// So many replicas until an instant, then so many.
class Plan final : public Policy {
 public:
  Plan(int first, double until, int then) : first_(first), until_(until), then_(then) {}
  Recommendation recommend(const Situation& s) override {
    Recommendation r;
    r.wanted = to_seconds(s.now) < until_ ? first_ : then_;
    r.reason = "plan";
    return r;
  }

 private:
  int first_;
  double until_;
  int then_;
};

sim::RunResult simulate(const EvaluationWorld& world, const sim::Load& load, int start, int first,
                        double until, int then) {
  sim::RunSpec run;
  run.load = &load;
  run.world.worker.service_mean = 1 / world.capacity;
  run.world.worker.startup_mean = world.start_up;
  run.world.worker.startup_sd = world.start_up / 4;
  run.service.name = world.service.name;
  run.service.limits.min_replicas = std::min({1, start, first, then});
  run.service.limits.max_replicas = std::max({1, start, first, then});
  run.service.objective = world.service.objective.value_or(ObjectiveSpec{});
  run.service.check_interval = run.service.sample_interval = std::chrono::seconds(1);
  run.start_replicas = start;
  return sim::run(run, [=](const ServiceSpec&) { return std::make_unique<Plan>(first, until, then); });
}

}  // namespace

AdviceQuestion question_of(const RecordedChange& change, const EvaluationWorld& world) {
  AdviceQuestion q;
  q.down = change.record.value("decision", "") == "scale_down";
  q.decision = change.record;
  q.history = change.history;
  q.bounds = world.service.limits;
  q.check_interval = world.service.check_interval;
  q.max_delay = world.max_delay;
  return q;
}

Judgement judge(const RecordedChange& change, const Advice& advice, const EvaluationWorld& world) {
  Decision d;
  d.at = time_at(number_at(change.record, "t"));
  d.current = whole(change.record, "current_replicas");
  d.target = whole(change.record, "target_replicas");
  d.action = d.target > d.current   ? Action::kScaleUp
             : d.target < d.current ? Action::kScaleDown
                                    : Action::kHold;
  const int before = d.current, decided = d.target;
  Limits limits(world.service);
  const Decision advised = limits.advise(d.at, d, shortened_to(advice, world.max_delay), {});
  Judgement j;
  j.verdict = advised.verdict;
  j.changed = advised.target != decided;
  if (!j.changed) return j;
  const double check = to_seconds(world.service.check_interval);
  const auto load =
      slice(world, to_seconds(d.at) - world.begins,
            observed(change.record, "queue.backlog") + observed(change.record, "queue.num_ack_pending"));
  const auto plain = simulate(world, load, before, decided, 0, decided);
  const double until = advice.kind == AdviceKind::kAdd ? check
                       : advice.kind == AdviceKind::kCancel
                           ? check
                           : to_seconds(shortened_to(advice, world.max_delay).delay);
  const auto with = advice.kind == AdviceKind::kAdd
                        ? simulate(world, load, before, decided, until, advised.target)
                        : simulate(world, load, before, before, until, decided);
  j.late_before = std::round(plain.over * static_cast<double>(plain.messages));
  j.late_after = std::round(with.over * static_cast<double>(with.messages));
  j.more_replica_seconds = with.replica_seconds - plain.replica_seconds;
  j.helped = j.late_after < j.late_before;
  j.harmed = !j.helped && (j.late_after > j.late_before || j.more_replica_seconds > 0);
  return j;
}

std::optional<double> capacity_seen(const std::vector<RecordedChange>& changes) {
  double most = 0;
  const auto look = [&](const ordered_json& r) {
    const auto replicas = r.find("replicas");
    const double ready = replicas != r.end() && replicas->is_object() ? number_at(*replicas, "ready") : 0;
    if (ready >= 1 && observed(r, "queue.backlog") > 0)
      most = std::max(most, observed(r, "queue.rate_out") / ready);
  };
  for (const auto& c : changes) {
    look(c.record);
    for (const auto& h : c.history) look(h);
  }
  return most > 0 && most < 1e6 ? std::optional(most) : std::nullopt;
}

}  // namespace docktor
