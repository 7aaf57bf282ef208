// What the objective policy has learned, as JSON that outlives a restart.
#include <nlohmann/json.hpp>

#include "policy/objective/objective.h"
#include "policy/objective/restore.h"

namespace docktor {

using namespace objective;

namespace {

nlohmann::json saved_gauges(const Gauges& g) {
  return {{"at", saved(g.at)},
          {"replicas", {g.replicas.current, g.replicas.ready, g.replicas.failing}},
          {"pending", g.pending},
          {"in_hand", g.in_hand},
          {"oldest", g.oldest}};
}

std::optional<Gauges> restored_gauges(const nlohmann::json& from) {
  if (!from.is_object() || !from.contains("at") || !from.contains("replicas")) return std::nullopt;
  const auto at = restored_time(from["at"]);
  const auto& n = from["replicas"];
  if (!at || !n.is_array() || n.size() != 3) return std::nullopt;
  Gauges g;
  g.at = *at;
  double counts[3] = {-1, -1, -1};
  for (std::size_t i = 0; i < 3; ++i) restore_number(n[i], 0, 1e6, counts[i]);
  if (counts[0] < 0 || counts[1] < 0 || counts[2] < 0) return std::nullopt;
  g.replicas = {static_cast<int>(counts[0]), static_cast<int>(counts[1]), static_cast<int>(counts[2])};
  restore_number(from, "pending", 0, 1e18, g.pending);
  restore_number(from, "in_hand", 0, 1e18, g.in_hand);
  restore_number(from, "oldest", 0, 1e18, g.oldest);
  return g;
}

}  // namespace

void ObjectivePolicy::save(nlohmann::json& state) const {
  arrivals_.save(state["arrivals"]);
  capacity_.save(state["capacity"]);
  dead_.save(state["dead"]);
  hand_.save(state["hand"]);
  warm_up_.save(state["warm_up"]);
  startup_.save(state["start_up"]);
  reaction_.save(state["reaction"]);
  surprise_.save(state["surprise"]);
  rhythm_.save(state["rhythm"]);
  rhythm_surprise_.save(state["rhythm_surprise"]);
  trend_.save(state["trend"]);
  trend_surprise_.save(state["trend_surprise"]);
  lateness_.save(state["lateness"]);
  too_few_.save(state["too_few"]);
  in_use_.save(state["in_use"]);
  bottleneck_.save(state["bottleneck"]);
  net_flow_.save(state["net_flow"]);
  state["planned_rate"] = planned_rate_;
  state["working"] = working_;
  state["counts"] = counts_;
  state["stood_still"] = stood_still_;
  state["unfinished"] = unfinished_;
  state["falling"] = falling_;
  state["taken"] = taken_;
  state["headroom"] = headroom_;
  if (gap_at_) state["gap_at"] = saved(*gap_at_);
  if (doubled_at_) state["doubled_at"] = saved(*doubled_at_);
  state["doubled_from"] = doubled_from_;
  if (last_) state["last"] = saved_gauges(*last_);
  if (last_ && flow_from_ && flow_from_->at != last_->at) state["flow_from"] = saved_gauges(*flow_from_);
  if (newest_) {
    const Flow& f = newest_->flow;
    state["newest"] = {{"before", saved_gauges(newest_->before)},
                       {"after", saved_gauges(newest_->after)},
                       {"flow", {f.length.count(), f.arrivals, f.deliveries, f.settled, f.upper_bound}},
                       {"inferred", newest_->inferred}};
  }
}

void ObjectivePolicy::restore(const nlohmann::json& state) {
  const auto part = [&](const char* key) {
    const auto it = state.find(key);
    return it == state.end() ? nlohmann::json() : *it;
  };
  arrivals_.restore(part("arrivals"));
  capacity_.restore(part("capacity"));
  dead_.restore(part("dead"));
  hand_.restore(part("hand"));
  warm_up_.restore(part("warm_up"));
  startup_.restore(part("start_up"));
  reaction_.restore(part("reaction"));
  surprise_.restore(part("surprise"));
  rhythm_.restore(part("rhythm"));
  rhythm_surprise_.restore(part("rhythm_surprise"));
  trend_.restore(part("trend"));
  trend_surprise_.restore(part("trend_surprise"));
  lateness_.restore(part("lateness"));
  too_few_.restore(part("too_few"));
  in_use_.restore(part("in_use"));
  bottleneck_.restore(part("bottleneck"));
  net_flow_.restore(part("net_flow"));
  restore_number(state, "planned_rate", 0, 1e12, planned_rate_);
  restore_number(state, "working", 0, 1e6, working_);
  restore_number(state, "unfinished", 0, 1e12, unfinished_);
  restore_number(state, "falling", -1e18, 1e18, falling_);
  restore_number(state, "taken", 0, 1e18, taken_);
  restore_number(state, "headroom", 0, 1e18, headroom_);
  counts_ = part("counts") == true;
  stood_still_ = part("stood_still") == true;
  gap_at_ = restored_time(part("gap_at"));
  doubled_at_ = restored_time(part("doubled_at"));
  double from = 0;
  restore_number(part("doubled_from"), 0, 1e6, from);
  doubled_from_ = static_cast<int>(from);
  last_ = restored_gauges(part("last"));
  flow_from_ = restored_gauges(part("flow_from"));
  if (!flow_from_) flow_from_ = last_;
  const auto newest = part("newest");
  if (!newest.is_object() || !newest.contains("before") || !newest.contains("after") ||
      !newest.contains("flow"))
    return;
  const auto before = restored_gauges(newest["before"]), after = restored_gauges(newest["after"]);
  const auto& flow = newest["flow"];
  if (!before || !after || !flow.is_array() || flow.size() != 5 || !flow[0].is_number_integer()) return;
  Flow f{Duration(flow[0].get<std::int64_t>())};
  restore_number(flow[1], 0, 1e18, f.arrivals);
  restore_number(flow[2], 0, 1e18, f.deliveries);
  restore_number(flow[3], -1e18, 1e18, f.settled);
  if (f.length > Duration::zero())
    newest_ = Evidence{*before, *after, f, newest.contains("inferred") && newest["inferred"] == true};
}

}  // namespace docktor
