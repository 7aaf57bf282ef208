#include "core/record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/several.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Beyond this a counter is no counter: it wrapped, or the line is absurd. It keeps sums exact in a double,
// too.
constexpr std::uint64_t kMaxCount = 1ull << 53;
constexpr int kMaxCounted = 1'000'000;

template <class T>
void put(ordered_json& j, const char* key, const std::optional<T>& v) {
  if (v) j[key] = *v;
}

// Numbers in records: integers stay integers, the rest keeps four decimals, enough for every reason and small
// on disk.
ordered_json json_number(double v) {
  if (v == std::floor(v) && std::fabs(v) < 1e15) return static_cast<std::int64_t>(v);
  if (std::fabs(v) < 1e9) return std::round(v * 1e4) / 1e4;
  return v;
}

// The keys of a log by sequence numbers come as they always did; those of totals are there only where they
// are told.
ordered_json queue_json(const QueueSample& s) {
  ordered_json q;
  q["num_pending"] = s.num_pending;
  put(q, "num_ack_pending", s.num_ack_pending);
  put(q, "delivered_consumer_seq", s.delivered_consumer_seq);
  put(q, "delivered_stream_seq", s.delivered_stream_seq);
  put(q, "ack_floor_consumer_seq", s.ack_floor_consumer_seq);
  put(q, "ack_floor_stream_seq", s.ack_floor_stream_seq);
  put(q, "first_seq", s.first_seq);
  put(q, "last_seq", s.last_seq);
  put(q, "stream_messages", s.stream_messages);
  put(q, "subject_messages", s.subject_messages);
  put(q, "num_waiting", s.num_waiting);
  put(q, "num_redelivered", s.num_redelivered);
  put(q, "dead", s.dead);
  put(q, "scheduled", s.scheduled);
  put(q, "consumers", s.consumers);
  if (s.oldest_age) q["oldest_age"] = to_seconds(*s.oldest_age);
  put(q, "arrived", s.totals.arrived);
  put(q, "delivered", s.totals.delivered);
  put(q, "settled", s.totals.settled);
  if (!s.totals.incarnation.empty()) q["incarnation"] = s.totals.incarnation;
  if (s.totals.upper_bound) q["upper_bound"] = true;
  if (s.step > Duration::zero()) q["step"] = to_seconds(s.step);
  if (s.useful) q["useful_replicas"] = {{"most", s.useful->most}, {"why", s.useful->why}};
  if (!s.created.empty()) q["created"] = s.created;
  if (!s.paused.empty()) q["paused"] = s.paused;
  if (s.rebalancing) q["rebalancing"] = true;
  if (s.filtered) q["filtered"] = true;
  if (s.can_discard) q["can_discard"] = true;
  if (s.retention == Retention::kWorkQueue) q["retention"] = "workqueue";
  if (s.retention == Retention::kInterest) q["retention"] = "interest";
  if (s.redelivered_after != std::chrono::seconds(30)) q["ack_wait"] = to_seconds(s.redelivered_after);
  return q;
}

class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}
  std::string error;

  std::optional<std::uint64_t> count(const json& object, const char* key, bool required) {
    const auto it = object.find(key);
    if (it == object.end() || it->is_null()) {
      if (required) complain(key, "is missing");
      return std::nullopt;
    }
    const bool whole = it->is_number_unsigned() || (it->is_number_integer() && it->get<std::int64_t>() >= 0);
    if (whole && it->get<std::uint64_t>() <= kMaxCount) return it->get<std::uint64_t>();
    if (it->is_number_float()) {  // 12.0 is a count, 12.5 is not
      const double v = it->get<double>();
      if (v >= 0 && v <= static_cast<double>(kMaxCount) && v == std::floor(v))
        return static_cast<std::uint64_t>(v);
    }
    complain(key, "must be a whole number from 0 to 2^53");
    return std::nullopt;
  }

  bool flag(const json& object, const char* key) {
    const auto it = object.find(key);
    if (it == object.end() || it->is_null()) return false;
    if (!it->is_boolean()) complain(key, "must be true or false");
    return it->is_boolean() && it->get<bool>();
  }

  void complain(const std::string& key, const char* what) {
    if (error.empty()) error = fmt::format("{}{} {}", where_, key, what);
  }

 private:
  std::string where_;
};

std::optional<double> finite(const json& v) {
  if (!v.is_number()) return std::nullopt;
  const double d = v.get<double>();
  if (!std::isfinite(d)) return std::nullopt;
  return d;
}

std::optional<Duration> span_of(const json& object, const char* key, bool zero, Reader& r) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::nullopt;
  const auto v = finite(*it);
  if (v && (zero ? *v >= 0 : *v > 0) && *v < 1e8) return seconds(*v);
  r.complain(key, zero ? "must be a number of seconds from 0" : "must be a number of seconds above 0");
  return std::nullopt;
}

std::string text_of(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return {};
  return it->is_string() ? it->get<std::string>() : it->dump();
}

void read_useful(const json& queue, QueueSample& s, Reader& q) {
  const auto it = queue.find("useful_replicas");
  if (it == queue.end() || it->is_null()) return;
  Reader useful("queue.useful_replicas.");
  const auto most = it->is_object() ? useful.count(*it, "most", true) : std::nullopt;
  if (!most || *most < 1 || *most > kMaxCounted)
    return q.complain("useful_replicas", "must be an object with most, from 1, and why");
  s.useful = UsefulReplicas{static_cast<int>(*most), text_of(*it, "why")};
}

void read_paused(const json& queue, QueueSample& s, Reader& q) {
  const auto it = queue.find("paused");
  if (it == queue.end() || it->is_null()) return;
  if (it->is_string())
    s.paused = it->get<std::string>();
  else
    q.complain("paused", "must be a text that says why the queue gives nothing out");
}

void read_retention(const json& queue, QueueSample& s, Reader& q) {
  const auto it = queue.find("retention");
  if (it == queue.end() || it->is_null()) return;
  const std::string v = it->is_string() ? it->get<std::string>() : "";
  if (v == "limits")
    s.retention = Retention::kLimits;
  else if (v == "workqueue")
    s.retention = Retention::kWorkQueue;
  else if (v == "interest")
    s.retention = Retention::kInterest;
  else
    q.complain("retention", "must be limits, workqueue or interest");
}

// A log by sequence numbers, as lines always had it, totals, or gauges alone.
QueueSample queue_from_json(const json& queue, Reader& q) {
  QueueSample s;
  s.num_pending = q.count(queue, "num_pending", true).value_or(0);
  s.delivered_consumer_seq = q.count(queue, "delivered_consumer_seq", false);
  s.num_ack_pending = q.count(queue, "num_ack_pending", s.delivered_consumer_seq.has_value());
  s.delivered_stream_seq = q.count(queue, "delivered_stream_seq", false);
  s.ack_floor_consumer_seq = q.count(queue, "ack_floor_consumer_seq", false);
  s.ack_floor_stream_seq = q.count(queue, "ack_floor_stream_seq", false);
  s.first_seq = q.count(queue, "first_seq", false);
  s.last_seq = q.count(queue, "last_seq", false);
  s.stream_messages = q.count(queue, "stream_messages", false);
  s.subject_messages = q.count(queue, "subject_messages", false);
  s.num_waiting = q.count(queue, "num_waiting", false);
  s.num_redelivered = q.count(queue, "num_redelivered", false);
  s.dead = q.count(queue, "dead", false);
  s.scheduled = q.count(queue, "scheduled", false);
  s.consumers = q.count(queue, "consumers", false);
  s.oldest_age = span_of(queue, "oldest_age", true, q);
  s.totals.arrived = q.count(queue, "arrived", false);
  s.totals.delivered = q.count(queue, "delivered", false);
  s.totals.settled = q.count(queue, "settled", false);
  s.totals.incarnation = text_of(queue, "incarnation");
  s.totals.upper_bound = q.flag(queue, "upper_bound");
  s.step = span_of(queue, "step", true, q).value_or(Duration::zero());
  read_useful(queue, s, q);
  s.created = text_of(queue, "created");
  read_paused(queue, s, q);
  s.rebalancing = q.flag(queue, "rebalancing");
  s.filtered = q.flag(queue, "filtered");
  s.can_discard = q.flag(queue, "can_discard");
  read_retention(queue, s, q);
  if (const auto again = span_of(queue, "ack_wait", false, q)) s.redelivered_after = *again;
  return s;
}

// Several queues: their names, and what each showed. The sum is made anew.
std::optional<QueueSample> queues_from_json(const json& queues, std::string& error) {
  if (!queues.is_object() || queues.empty() || queues.size() > kMaxQueues) {
    error = fmt::format("queues must be an object of 1 to {} queues by their names", kMaxQueues);
    return std::nullopt;
  }
  std::vector<NamedSample> parts;
  for (const auto& [name, queue] : queues.items()) {
    if (!is_queue_name(name)) {
      error = "queues: the name of a queue is 1 to 63 letters, digits, _ and -";
    } else if (!queue.is_object()) {
      error = fmt::format("queues.{} must be an object with num_pending and what else is known of it", name);
    } else {
      Reader q(fmt::format("queues.{}.", name));
      parts.push_back({name, queue_from_json(queue, q)});
      if (error.empty()) error = q.error;
    }
  }
  if (!error.empty()) return std::nullopt;
  return sum_of(std::move(parts));
}

std::optional<std::vector<ReplicaUsage>> read_usage(const json& cpu, std::string& error) {
  std::vector<ReplicaUsage> usage;
  const auto add = [&](std::string id, const json& v) {
    const auto percent = finite(v);
    if (!percent || *percent < 0 || *percent > 1e7) {
      error = "cpu must be percent per replica, each from 0 to 1e7";
      return;
    }
    ReplicaUsage u;
    u.id = std::move(id);
    u.cpu = *percent;
    usage.push_back(std::move(u));
  };
  if (cpu.is_array()) {
    for (std::size_t i = 0; i < cpu.size(); ++i) add(std::to_string(i + 1), cpu[i]);
  } else if (cpu.is_object()) {
    for (const auto& [id, v] : cpu.items()) add(id, v);
  } else {
    error = "cpu must be a list of percents, or an object from replica to percent";
  }
  if (!error.empty()) return std::nullopt;
  return usage;
}

}  // namespace

ordered_json to_json(const Input& input, std::string_view service) {
  ordered_json j;
  j["t"] = to_seconds(input.at);
  j["service"] = service;
  auto& r = j["replicas"] = {{"current", input.replicas.current}, {"ready", input.replicas.ready}};
  if (input.replicas.failing) r["failing"] = input.replicas.failing;
  if (input.replicas.not_placed) r["not_placed"] = input.replicas.not_placed;
  if (input.queue && input.queue->parts.empty()) j["queue"] = queue_json(*input.queue);
  if (input.queue) {
    for (const auto& part : input.queue->parts) j["queues"][part.name] = queue_json(part.shown);
  }
  if (input.usage) {
    auto& cpu = j["cpu"] = ordered_json::object();
    for (const auto& u : *input.usage) cpu[u.id] = json_number(u.cpu);
    // Only the means matter to a decision beyond CPU: they are kept as such.
    const auto mean = [&](const char* key, std::optional<double> ReplicaUsage::* field) {
      ordered_json o = ordered_json::object();
      for (const auto& u : *input.usage) {
        if (u.*field) o[u.id] = json_number(*(u.*field));
      }
      if (!o.empty()) j[key] = std::move(o);
    };
    mean("cpu_limit_pct", &ReplicaUsage::cpu_limit_pct);
    mean("mem", &ReplicaUsage::mem);
    mean("mem_limit_pct", &ReplicaUsage::mem_limit_pct);
  }
  return j;
}

Result<std::pair<std::string, Input>> input_from_json(const json& line) {
  const auto bad = [](std::string what) { return fail(ErrorCode::kInvalid, std::move(what)); };
  if (!line.is_object()) return bad("the line must be a JSON object");
  Input in;
  const auto t = line.find("t");
  const auto at = t == line.end() ? std::nullopt : finite(*t);
  if (!at || *at < 0 || *at > 8e9) return bad("t must be a number of seconds from 0 to 8e9");
  in.at = time_at(*at);
  const auto service = line.find("service");
  if (service == line.end() || !service->is_string()) return bad("service must be a service's name");

  const auto replicas = line.find("replicas");
  if (replicas == line.end() || !replicas->is_object())
    return bad("replicas must be an object with current and ready");
  Reader r("replicas.");
  const auto current = r.count(*replicas, "current", true);
  const auto ready = r.count(*replicas, "ready", false);
  const auto failing = r.count(*replicas, "failing", false);
  const auto not_placed = r.count(*replicas, "not_placed", false);
  if (!r.error.empty()) return bad(r.error);
  if (*current > kMaxCounted || ready.value_or(0) > *current || failing.value_or(0) > *current ||
      not_placed.value_or(0) > *current) {
    return bad(fmt::format(
        "replicas: ready, failing and not_placed must be at most current, and that at most {}", kMaxCounted));
  }
  in.replicas = {static_cast<int>(*current), static_cast<int>(ready.value_or(*current)),
                 static_cast<int>(failing.value_or(0)), static_cast<int>(not_placed.value_or(0))};

  const json* cpu = nullptr;
  if (const auto it = line.find("cpu"); it != line.end() && !it->is_null()) cpu = &*it;
  if (const auto queue = line.find("queue"); queue != line.end() && !queue->is_null()) {
    if (!queue->is_object())
      return bad("queue must be an object with num_pending and what else is known of it");
    Reader q("queue.");
    in.queue = queue_from_json(*queue, q);
    if (const auto it = queue->find("cpu"); it != queue->end() && !cpu && !it->is_null()) cpu = &*it;
    if (!q.error.empty()) return bad(q.error);
  }
  if (const auto queues = line.find("queues"); queues != line.end() && !queues->is_null()) {
    std::string error = in.queue ? "both queue and queues are there; give one of them" : "";
    if (error.empty()) in.queue = queues_from_json(*queues, error);
    if (!error.empty()) return bad(error);
  }
  if (cpu) {
    std::string error;
    in.usage = read_usage(*cpu, error);
    if (!error.empty()) return bad(error);
    const auto more = [&](const char* key, std::optional<double> ReplicaUsage::* field) {
      const auto it = line.find(key);
      if (it == line.end() || !it->is_object()) return;
      for (auto& u : *in.usage) {
        if (const auto v = it->find(u.id); v != it->end()) u.*field = finite(*v);
      }
    };
    more("cpu_limit_pct", &ReplicaUsage::cpu_limit_pct);
    more("mem", &ReplicaUsage::mem);
    more("mem_limit_pct", &ReplicaUsage::mem_limit_pct);
  }
  if (!in.queue && !in.usage) return bad("queue is missing");
  return std::pair{service->get<std::string>(), std::move(in)};
}

ordered_json to_json(const Decision& d) {
  ordered_json j;
  j["service"] = d.service;
  j["current_replicas"] = d.current;
  j["decision"] = to_string(d.action);
  j["target_replicas"] = d.target;
  j["reason"] = d.reason;
  if (d.needs_approval) j["needs_approval"] = true;
  auto& observations = j["observations"] = ordered_json::object();
  for (const auto& m : kMetrics) {
    const bool stale = is_queue(m.metric) ? d.observation.queue_stale : d.observation.usage_stale;
    if (const auto v = d.observation.get(m.metric); v && !stale)
      observations[std::string(m.name)] = json_number(*v);
  }
  for (const auto& part : d.observation.parts) {
    for (const auto& m : kMetrics) {
      if (const auto v = part.seen.get(m.metric); v && is_queue(m.metric) && !part.seen.queue_stale)
        observations[name_of(part.name, m.metric)] = json_number(*v);
    }
  }
  if (d.observation.upper_bound) observations["queue.rate_in_upper_bound"] = true;
  auto& rules = j["matched_rules"] = ordered_json::array();
  for (const auto& m : d.recommendation.matched_rules) {
    rules.push_back({{"when", m.when},
                     {"metric", m.rule.metric_text},
                     {"op", to_string(m.rule.op)},
                     {"value", json_number(m.rule.value)},
                     {"seen", json_number(m.value)}});
  }
  auto& limits = j["limits"] = ordered_json::array();
  for (const auto& l : d.limits) {
    limits.push_back({{"limit", l.name}, {"from", l.from}, {"to", l.to}, {"detail", l.detail}});
  }
  if (!d.recommendation.numbers.empty()) {
    auto& numbers = j["numbers"] = ordered_json::object();
    for (const auto& [key, v] : d.recommendation.numbers) {
      if (std::isfinite(v)) numbers[key] = json_number(v);
    }
  }
  return j;
}

ordered_json to_json(const Overrides& o) {
  ordered_json j = ordered_json::object();
  const auto text = [&](const char* key, const std::string& v) {
    if (!v.empty()) j[key] = v;
  };
  text("stopped_by_hand", o.stopped_by_hand);
  text("problem", o.problem);
  text("target_hold", o.target_hold);
  text("not_placed", o.not_placed);
  text("queue_silent", o.queue_silent);
  text("part_waits", o.part_waits);
  text("unfit_for_zero", o.unfit_for_zero);
  text("held", o.held);
  put(j, "replicas", o.replicas);
  const auto bounds = [](const Bounds& b) -> ordered_json {
    return {{"min_replicas", b.min}, {"max_replicas", b.max}};
  };
  if (o.bounds) j["bounds"] = bounds(*o.bounds);
  if (o.scheduled) {
    j["scheduled"] = bounds(o.scheduled->bounds);
    j["scheduled"]["why"] = o.scheduled->why;
  }
  const auto room = [&](const char* key, const std::optional<Room>& v) {
    if (v) j[key] = {{"most", v->most}, {"why", v->why}};
  };
  room("room", o.room);
  room("host_memory", o.host_memory);
  room("host_cpu", o.host_cpu);
  if (o.approval) j["approval"] = true;
  return j;
}

Overrides overrides_from_json(const json& j) {
  Overrides o;
  if (!j.is_object()) return o;
  const auto text = [&](const char* key, std::string& v) {
    if (const auto it = j.find(key); it != j.end() && it->is_string()) v = it->get<std::string>();
  };
  const auto count = [](const json& object, const char* key) -> std::optional<int> {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_number_integer()) return std::nullopt;
    const auto v = it->get<std::int64_t>();
    if (v < 0 || v > kMaxCounted) return std::nullopt;
    return static_cast<int>(v);
  };
  text("stopped_by_hand", o.stopped_by_hand);
  text("problem", o.problem);
  text("target_hold", o.target_hold);
  text("not_placed", o.not_placed);
  text("queue_silent", o.queue_silent);
  text("part_waits", o.part_waits);
  text("unfit_for_zero", o.unfit_for_zero);
  text("held", o.held);
  o.replicas = count(j, "replicas");
  const auto bounds = [&](const char* key) -> std::optional<Bounds> {
    const auto it = j.find(key);
    if (it == j.end() || !it->is_object()) return std::nullopt;
    const auto min = count(*it, "min_replicas"), max = count(*it, "max_replicas");
    if (!min || !max || *min > *max) return std::nullopt;
    return Bounds{*min, *max};
  };
  const auto why = [&](const char* key) -> std::string {
    const auto it = j[key].find("why");
    return it != j[key].end() && it->is_string() ? it->get<std::string>() : "";
  };
  o.bounds = bounds("bounds");
  if (const auto b = bounds("scheduled")) o.scheduled = ScheduledBounds{*b, why("scheduled")};
  const auto room = [&](const char* key, std::optional<Room>& v) {
    const auto it = j.find(key);
    if (it == j.end() || !it->is_object()) return;
    if (const auto most = count(*it, "most")) v = Room{*most, why(key)};
  };
  room("room", o.room);
  room("host_memory", o.host_memory);
  room("host_cpu", o.host_cpu);
  const auto approval = j.find("approval");
  o.approval = approval != j.end() && approval->is_boolean() && approval->get<bool>();
  return o;
}

std::string_view to_string(Action a) {
  switch (a) {
    case Action::kHold:
      return "hold";
    case Action::kScaleUp:
      return "scale_up";
    case Action::kScaleDown:
      return "scale_down";
  }
  return "?";
}

std::string utc_seconds(Time t) {
  const auto s = std::chrono::floor<std::chrono::seconds>(t.time_since_epoch());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(s.count())));
}

std::string to_line(const ordered_json& record) {
  return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace docktor
