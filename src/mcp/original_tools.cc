#include "mcp/original_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "mcp/tool_parts.h"

namespace docktor::mcp {
namespace {

class Mean {
 public:
  void add(double v) {
    sum_ += v;
    ++n_;
  }
  double value() const { return n_ > 0 ? sum_ / n_ : 0; }

 private:
  double sum_ = 0;
  int n_ = 0;
};

Tool get_metrics(const ToolOptions& options) {
  Tool t;
  t.name = "get_metrics";
  t.title = "CPU of a service's replicas";
  t.description =
      "CPU of each replica in percent of one core, averaged over window_sec seconds, with mean, least and "
      "most. "
      "Empty where no rule of the service needs CPU: then docktor does not sample it.";
  t.input = object({{"service", service()}, {"window_sec", window()}}, {"service"});
  t.output = object({{"service", typed("string")},
                     {"metrics", typed("object", "replica to CPU")},
                     {"cpu", typed("object", "avg, min, max over the replicas")},
                     {"note", typed("string")}},
                    {"service", "metrics"});
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    std::map<std::string, Mean> cpu;
    const auto last = look_on(options, c, arguments, [&](const ordered_json& s) {
      for (const auto& r : s.value("replicas", ordered_json::array())) {
        if (r.contains("cpu")) cpu[r.value("id", "")].add(r["cpu"].get<double>());
      }
    });
    if (!last) return last;
    ordered_json j = {{"service", arguments["service"]}, {"metrics", ordered_json::object()}};
    Mean mean;
    double least = 1e9, most = 0;
    for (const auto& [id, m] : cpu) {
      j["metrics"][id] = m.value();
      mean.add(m.value());
      least = std::min(least, m.value());
      most = std::max(most, m.value());
    }
    if (cpu.empty())
      j["note"] = "no CPU is known: no rule of this service needs it, no replica runs, or no daemon does";
    else
      j["cpu"] = {{"avg", mean.value()}, {"min", least}, {"max", most}};
    return j;
  };
  return t;
}

Tool get_current_replicas(const ToolOptions& options) {
  Tool t;
  t.name = "get_current_replicas";
  t.title = "Number of replicas";
  t.description = "How many replicas a service has now, those that are starting included, and its bounds.";
  t.input = object({{"service", service()}}, {"service"});
  t.output = object({{"service", typed("string")},
                     {"current_replicas", typed("integer")},
                     {"ready", typed("integer")},
                     {"starting", typed("integer")},
                     {"stopping", typed("integer")},
                     {"failing", typed("integer")},
                     {"min_replicas", typed("integer")},
                     {"max_replicas", typed("integer")}},
                    {"service", "current_replicas", "min_replicas", "max_replicas"});
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    const auto s = status_of(options, c, arguments["service"]);
    if (!s) return s;
    if (!s->contains("ready"))
      return fail(ErrorCode::kUnavailable,
                  "the replicas cannot be counted: " + (*s)["notes"].back().get<std::string>());
    ordered_json j = {{"service", arguments["service"]}, {"current_replicas", current_of(*s)}};
    for (const char* key : {"ready", "starting", "stopping", "failing", "min_replicas", "max_replicas"})
      j[key] = s->value(key, 0);
    return j;
  };
  return t;
}

Tool calculate_target_replicas(const ToolOptions& options) {
  Tool t;
  t.name = "calculate_target_replicas";
  t.title = "Target from a recommendation";
  t.description =
      "Turns a recommendation into a number of replicas by the service's steps and bounds. Nothing is done.";
  t.input = object({{"service", service()},
                    {"recommendation", {{"type", "string"}, {"enum", {"scale_up", "scale_down", "hold"}}}},
                    {"current_replicas", whole("replicas to start from", 0, kMostReplicas)}},
                   {"service", "recommendation", "current_replicas"});
  t.output = object({{"action", typed("string")},
                     {"should_scale", typed("boolean")},
                     {"current_replicas", typed("integer")},
                     {"target_replicas", typed("integer")},
                     {"reason", typed("string")}},
                    {"action", "should_scale", "current_replicas", "target_replicas", "reason"});
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    const auto s = status_of(options, c, arguments["service"]);
    if (!s) return s;
    const auto wanted = arguments["recommendation"].get<std::string>();
    const int current = arguments["current_replicas"].get<int>();
    const int min = s->value("min_replicas", 0), max = s->value("max_replicas", 0);
    const int step = wanted == "scale_up"     ? s->value("scale_up_by", 0)
                     : wanted == "scale_down" ? -s->value("scale_down_by", 0)
                                              : 0;
    const int target = std::clamp(current + step, min, max);
    const char* action = target > current ? "scale_up" : target < current ? "scale_down" : "hold";
    return ordered_json{
        {"action", action},
        {"should_scale", target != current},
        {"current_replicas", current},
        {"target_replicas", target},
        {"reason", fmt::format("{}: {} {:+} within {}..{}", wanted, current, step, min, max)}};
  };
  return t;
}

Tool detect_anomalies() {
  Tool t;
  t.name = "detect_anomalies";
  t.title = "CPU against thresholds";
  t.description =
      "Holds the mean of given CPU values against two thresholds and recommends scale_up, scale_down or "
      "hold.";
  t.input = object({{"metrics", typed("object", "replica to CPU percent, as get_metrics gives them")},
                    {"rules", object({{"cpu_high_pct", typed("number", "above this mean: scale_up")},
                                      {"cpu_low_pct", typed("number", "below this mean: scale_down")}},
                                     {"cpu_high_pct", "cpu_low_pct"})}},
                   {"metrics", "rules"});
  t.output =
      object({{"recommendation", typed("string")}, {"reason", typed("string")}, {"cpu_avg", typed("number")}},
             {"recommendation", "reason"});
  t.call = [](const json& arguments, const CallContext&) -> Result<ordered_json> {
    const double high = arguments["rules"]["cpu_high_pct"].get<double>(),
                 low = arguments["rules"]["cpu_low_pct"].get<double>();
    if (low >= high)
      return fail(ErrorCode::kInvalid,
                  fmt::format("rules.cpu_low_pct {} must be below rules.cpu_high_pct {}", low, high));
    Mean mean;
    for (const auto& [id, v] : arguments["metrics"].items()) {
      if (!v.is_number() || !(v.get<double>() >= 0 && v.get<double>() <= 1e7))
        return fail(ErrorCode::kInvalid,
                    fmt::format("metrics.{} is {}; it must be a percentage of 0 or more", id, v.dump()));
      mean.add(v.get<double>());
    }
    if (arguments["metrics"].empty())
      return ordered_json{{"recommendation", "hold"}, {"reason", "no metrics, no recommendation"}};
    const double avg = mean.value();
    const char* r = avg > high ? "scale_up" : avg < low ? "scale_down" : "hold";
    return ordered_json{
        {"recommendation", r},
        {"reason", avg > high  ? fmt::format("cpu.avg {:.1f} > {}", avg, high)
                   : avg < low ? fmt::format("cpu.avg {:.1f} < {}", avg, low)
                               : fmt::format("cpu.avg {:.1f} is between {} and {}", avg, low, high)},
        {"cpu_avg", avg}};
  };
  return t;
}

json acted() {
  return object({{"valid", typed("boolean")}, {"message", typed("string")}}, {"valid", "message"});
}

Tool propose_scale(const ToolOptions& options) {
  Tool t;
  t.name = "propose_scale";
  t.title = "Propose a number of replicas";
  t.description =
      "Leaves a proposal to have target_replicas replicas, which a person approves or rejects (docktor "
      "approve). "
      "Scales nothing by itself; refused outside the service's bounds.";
  t.input = object({{"service", service()},
                    {"target_replicas", whole("how many there should be", 0, kMostReplicas)},
                    {"reason", text("why")}},
                   {"service", "target_replicas"});
  t.output = acted();
  t.read_only = false;
  t.idempotent = false;
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    json a = {{"service", arguments["service"]}, {"replicas", arguments["target_replicas"]}};
    if (arguments.contains("reason")) a["reason"] = arguments["reason"];
    const auto r = ask(options, c, "propose", a);
    if (!r) return r;
    return ordered_json{{"valid", true}, {"message", r->value("text", "")}};
  };
  return t;
}

Tool get_queue_metrics(const ToolOptions& options) {
  Tool t;
  t.name = "get_queue_metrics";
  t.title = "Metrics of a service's queue";
  t.description =
      "Backlog, lag, rates and messages in hand of the service's queue; with window_sec the means over so "
      "many "
      "seconds of looking on. The queue is the configuration's, never one that a caller names.";
  t.input = object({{"service", service()}, {"window_sec", window()}}, {"service"});
  t.output = object({{"service", typed("string")},
                     {"backlog", typed("number")},
                     {"lag", typed("number")},
                     {"rate_in", typed("number")},
                     {"rate_out", typed("number")},
                     {"num_ack_pending", typed("number")},
                     {"num_redelivered", typed("number")},
                     {"num_waiting", typed("number")},
                     {"dead", typed("number")},
                     {"scheduled", typed("number", "not due yet")},
                     {"consumers", typed("number")},
                     {"oldest_age", typed("number", "seconds")},
                     {"stale", typed("boolean")}},
                    {"service"});
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    std::map<std::string, Mean> values;
    const auto last = look_on(options, c, arguments, [&](const ordered_json& s) {
      const auto seen = s.value("observation", ordered_json::object());
      for (const auto& [name, v] : seen.items()) {
        if (name.starts_with("queue.")) values[name.substr(6)].add(v.get<double>());
      }
    });
    if (!last) return last;
    if (values.empty()) {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("nothing is known of the queue of {}: {}", last->value("service", ""),
                      last->value("why_nothing_happens", last->value("notes", json::array()).dump())));
    }
    ordered_json j = {{"service", arguments["service"]}};
    for (const auto& [name, m] : values) j[name] = m.value();
    j["stale"] = last->value("stale", false);
    return j;
  };
  return t;
}

Tool decide_scale_multi(const ToolOptions& options) {
  Tool t;
  t.name = "decide_scale_multi";
  t.title = "What rules would decide";
  t.description =
      "What the service's rules (or the rules given) would decide on the observations given (or on those of "
      "now), "
      "within its steps and bounds. min_replicas and max_replicas can only narrow the bounds. Nothing is "
      "done.";
  t.input = operation_arguments("decide");
  auto& properties = t.input["properties"];
  properties["service_name"] = properties["service"];
  properties.erase("service");
  t.input["required"] = {"service_name"};
  t.output = object(
      {{"service", typed("string")},
       {"action", typed("string")},
       {"current_replicas", typed("integer")},
       {"target_replicas", typed("integer")},
       {"reason", typed("string")},
       {"matched_rules", list_of_objects("rules that held")},
       {"limits", list_of_objects("limits that changed the outcome")}},
      {"service", "action", "current_replicas", "target_replicas", "reason", "matched_rules", "limits"});
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    json a = arguments;
    a["service"] = a["service_name"];
    a.erase("service_name");
    return ask(options, c, "decide", a);
  };
  return t;
}

}  // namespace

Tool apply_scale(const ToolOptions& options) {
  Tool t;
  t.name = "apply_scale";
  t.title = "Scale a service now";
  t.description =
      "So many replicas now, within the service's bounds, whatever its policy wants, for ten minutes or as "
      "long "
      "as `for` says; then the policy decides again.";
  t.input = object({{"service", service()},
                    {"target_replicas", whole("how many there shall be", 0, kMostReplicas)},
                    {"reason", text("why, for the journal")},
                    {"for", text(fmt::format("how long: {} ({})", kLengths, kAgentsTime).c_str())}},
                   {"service", "target_replicas"});
  t.output = acted();
  t.read_only = false;
  t.destructive = true;
  t.call = [options](const json& arguments, const CallContext& c) -> Result<ordered_json> {
    json a = {{"service", arguments["service"]},
              {"replicas", arguments["target_replicas"]},
              {"for", arguments.value("for", kAgentsTime)}};
    if (arguments.contains("reason")) a["reason"] = arguments["reason"];
    const auto r = ask(options, c, "scale", a);
    if (!r) return r;
    return ordered_json{{"valid", true}, {"message", r->value("text", "")}};
  };
  return t;
}

std::vector<Tool> original_tools(const ToolOptions& options) {
  return {get_metrics(options),       get_current_replicas(options),
          get_queue_metrics(options), calculate_target_replicas(options),
          detect_anomalies(),         decide_scale_multi(options),
          propose_scale(options)};
}

}  // namespace docktor::mcp
