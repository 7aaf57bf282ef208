// The meter's window as JSON and back, exactly: a decision after a restart shall not differ by a rounding.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/meter.h"
#include "core/record.h"
#include "core/saved_time.h"
#include "core/spec.h"

namespace docktor {
namespace {

using nlohmann::json;

bool flag_of(const json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_boolean() && it->get<bool>();
}

json flow_state(const Flow& f) {
  return {f.length.count(), f.arrivals, f.deliveries, f.settled, f.upper_bound};
}

// Of `j`, where it has one; false where that is absurd.
bool read_flow(const json& j, std::optional<Flow>& flow) {
  const auto f = j.find("flow");
  if (f == j.end()) return true;
  const bool good = f->is_array() && f->size() == 5 && (*f)[0].is_number_integer() && (*f)[1].is_number() &&
                    (*f)[2].is_number() && (*f)[3].is_number() && (*f)[4].is_boolean() &&
                    (*f)[0].get<std::int64_t>() > 0;
  if (good)
    flow = Flow{Duration((*f)[0].get<std::int64_t>()), (*f)[1].get<double>(), (*f)[2].get<double>(),
                (*f)[3].get<double>(), (*f)[4].get<bool>()};
  return good;
}

int count_of(const json& replicas, const char* key) {
  const auto it = replicas.find(key);
  if (it == replicas.end() || !it->is_number_integer()) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(it->get<std::int64_t>(), 0, kMaxReplicas));
}

json to_state(const Observation& o) {
  json j = {{"at", saved(o.at)}};
  if (o.usage_at) j["usage_at"] = saved(*o.usage_at);
  if (o.reset) j["reset"] = true;
  if (o.upper_bound) j["upper_bound"] = true;
  Input in{o.at, o.replicas, std::nullopt, std::nullopt};
  if (o.queue_at) {
    j["queue_at"] = saved(*o.queue_at);
    in.queue = o.queue;
  }
  j["input"] = to_json(in, "");
  if (o.flow) j["flow"] = flow_state(*o.flow);
  auto& values = j["values"] = json::object();
  for (const auto& m : kMetrics) {
    if (const auto v = o.get(m.metric)) values[std::string(m.name)] = *v;
  }
  return j;
}

std::optional<Observation> from_state(const json& j) {
  if (!j.is_object()) return std::nullopt;
  const auto at = restored_time(j, "at");
  const auto input = j.find("input");
  if (!at || input == j.end() || !input->is_object()) return std::nullopt;
  Observation o;
  o.at = *at;
  json line = *input;
  // A line without a queue is none; an observation of CPU alone is one.
  if (!line.contains("queue")) line["cpu"] = json::array();
  const auto in = input_from_json(line);
  if (!in) return std::nullopt;
  o.replicas = in->second.replicas;
  o.queue_at = restored_time(j, "queue_at");
  if (o.queue_at) {
    if (!in->second.queue) return std::nullopt;
    o.queue = *in->second.queue;
  }
  o.usage_at = restored_time(j, "usage_at");
  o.reset = flag_of(j, "reset");
  o.upper_bound = flag_of(j, "upper_bound");
  if (!read_flow(j, o.flow)) return std::nullopt;
  if (const auto values = j.find("values"); values != j.end() && values->is_object()) {
    for (const auto& m : kMetrics) {
      const auto v = values->find(std::string(m.name));
      if (v != values->end() && v->is_number()) o.set(m.metric, v->get<double>());
    }
  }
  return o;
}

}  // namespace

json Meter::to_state(const Seen& s) {
  json j = {{"at", saved(s.at)}};
  if (s.usage_at) j["usage_at"] = saved(*s.usage_at);
  if (s.queue) j["queue_at"] = saved(s.at);
  j["replicas"] = {{"current", s.replicas.current},
                   {"ready", s.replicas.ready},
                   {"failing", s.replicas.failing},
                   {"not_placed", s.replicas.not_placed}};
  if (s.flow) j["flow"] = flow_state(*s.flow);
  auto& values = j["values"] = json::object();
  for (const auto& m : kMetrics) {
    const double v = s.values[static_cast<std::size_t>(m.metric)];
    if (!std::isnan(v)) values[std::string(m.name)] = v;
  }
  return j;
}

std::optional<Meter::Seen> Meter::seen_from(const json& j) {
  if (!j.is_object()) return std::nullopt;
  const auto at = restored_time(j, "at");
  if (!at) return std::nullopt;
  Seen s;
  s.at = *at;
  s.usage_at = restored_time(j, "usage_at");
  s.queue = restored_time(j, "queue_at").has_value();
  s.values.fill(std::numeric_limits<double>::quiet_NaN());
  // State of an earlier docktor has the whole sample.
  const auto input = j.find("input");
  const json& from = input != j.end() && input->is_object() ? *input : j;
  if (const auto it = from.find("replicas"); it != from.end() && it->is_object())
    s.replicas = {count_of(*it, "current"), count_of(*it, "ready"), count_of(*it, "failing"),
                  count_of(*it, "not_placed")};
  if (!read_flow(j, s.flow)) return std::nullopt;
  if (const auto values = j.find("values"); values != j.end() && values->is_object()) {
    for (const auto& m : kMetrics) {
      const auto v = values->find(std::string(m.name));
      if (v != values->end() && v->is_number())
        s.values[static_cast<std::size_t>(m.metric)] = v->get<double>();
    }
  }
  return s;
}

void Meter::save(json& state) const {
  auto& samples = state["samples"] = json::array();
  for (const Seen& s : samples_) samples.push_back(to_state(s));
  if (last_queue_) state["last_queue"] = docktor::to_state(*last_queue_);
  if (flow_from_ && last_queue_ && flow_from_->at != last_queue_->at)
    state["flow_from"] = docktor::to_state(*flow_from_);
  if (last_at_) state["last_at"] = saved(*last_at_);
  if (pace_) state["pace"] = to_seconds(*pace_);
  if (gap_end_) state["gap_end"] = saved(*gap_end_);
  json rebalance;
  rebalance_.save(rebalance);
  if (!rebalance.is_null()) state["rebalance"] = std::move(rebalance);
  for (const auto& p : parts_) p.meter.save(state["parts"][p.name]);
}

void Meter::restore(const json& state, Time now) {
  if (!state.is_object()) return;
  const auto samples = state.find("samples");
  const auto last_at = restored_time(state, "last_at");
  if (samples == state.end() || !samples->is_array() || samples->size() > kMaxSamples || !last_at ||
      *last_at > now)
    return;
  std::deque<Seen> read;
  for (const auto& j : *samples) {
    const auto s = seen_from(j);
    if (!s || (!read.empty() && s->at <= read.back().at) || s->at > *last_at) return;
    read.push_back(*s);
  }
  std::optional<Observation> last_queue;
  if (const auto it = state.find("last_queue"); it != state.end()) last_queue = from_state(*it);
  if (last_queue && (!last_queue->queue_at || last_queue->at > *last_at)) return;
  std::optional<Observation> flow_from = last_queue;
  if (const auto it = state.find("flow_from"); it != state.end()) flow_from = from_state(*it);
  if (flow_from && (!flow_from->queue_at || flow_from->at > *last_at)) return;
  if (const auto it = state.find("pace"); it != state.end() && it->is_number()) {
    const double pace = it->get<double>();
    if (pace > 0 && pace < 1e9) pace_ = seconds(pace);
  }
  if (const auto gap_end = restored_time(state, "gap_end"); gap_end && *gap_end <= *last_at)
    gap_end_ = gap_end;
  samples_ = std::move(read);
  last_queue_ = std::move(last_queue);
  flow_from_ = std::move(flow_from);
  last_at_ = last_at;
  if (const auto it = state.find("rebalance"); it != state.end()) rebalance_.restore(*it, now);
  parts_.clear();
  const auto parts = state.find("parts");
  if (parts == state.end() || !parts->is_object() || parts->size() > kMaxQueues) return;
  for (const auto& [name, saved_part] : parts->items()) {  // in the order of names
    parts_.push_back({name, Meter(window_, stale_after_, shortest_)});
    parts_.back().meter.restore(saved_part, now);
  }
}

}  // namespace docktor
