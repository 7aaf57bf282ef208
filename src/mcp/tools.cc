#include "mcp/tools.h"

#include <fmt/format.h>

#include <utility>

#include "mcp/original_tools.h"
#include "mcp/tool_parts.h"

namespace docktor::mcp {
namespace {

Tool list_services(const ToolOptions& options) {
  Tool t;
  t.name = "list_services";
  t.title = "Services";
  t.description =
      "The services of the configuration with bounds, replicas and what is odd about them. Begin here.";
  t.input = object({});
  t.output = object({{"daemon", typed("boolean", "whether a daemon runs; without one nothing is scaled")},
                     {"mode", typed("string")},
                     {"services", list_of_objects("service, current_replicas, min_replicas, max_replicas")}},
                    {"daemon", "services"});
  t.call = [options](const json&, const CallContext& c) -> Result<ordered_json> {
    const auto r = ask(options, c, "status", json::object());
    if (!r) return r;
    ordered_json j = {{"daemon", r->value("daemon", false)}, {"services", ordered_json::array()}};
    if (r->contains("mode")) j["mode"] = (*r)["mode"];
    for (const auto& s : (*r)["services"]) {
      ordered_json one = {{"service", s["service"]}, {"current_replicas", current_of(s)}};
      for (const char* key : {"min_replicas", "max_replicas", "queue", "dry_run", "overrides", "proposals",
                              "why_nothing_happens"}) {
        if (s.contains(key)) one[key] = s[key];
      }
      j["services"].push_back(std::move(one));
    }
    return j;
  };
  return t;
}

// A tool that is an operation under another name: the arguments are the operation's.
Tool as_operation(const ToolOptions& options, const char* name, const char* title, const char* description,
                  const char* operation, json output) {
  Tool t;
  t.name = name;
  t.title = title;
  t.description = description;
  t.input = operation_arguments(operation);
  t.output = std::move(output);
  t.call = [options, operation = std::string(operation)](const json& arguments, const CallContext& c) {
    return ask(options, c, operation, arguments);
  };
  return t;
}

// The same for what acts; where it lasts, it ends by itself.
Tool as_action(const ToolOptions& options, const char* name, const char* title, const char* description,
               const char* operation) {
  Tool t = as_operation(options, name, title, description, operation,
                        object({{"text", typed("string", "what was done")}}, {"text"}));
  t.read_only = false;
  if (t.input["properties"].contains("for")) {
    t.input["properties"]["for"]["description"] = fmt::format("how long: {} ({})", kLengths, kAgentsTime);
    t.call = [options, operation = std::string(operation)](const json& arguments, const CallContext& c) {
      json a = arguments;
      if (!a.contains("for")) a["for"] = kAgentsTime;
      return ask(options, c, operation, a);
    };
  }
  return t;
}

}  // namespace

std::vector<Tool> docktor_tools(ToolOptions options) {
  std::vector<Tool> all;
  all.push_back(list_services(options));
  all.push_back(as_operation(
      options, "get_status", "Status",
      "Replicas, newest observation, last decision with its reason, overrides, open proposals, and "
      "why nothing happens when nothing does.",
      "status",
      {{"type", "object"},
       {"properties", {{"daemon", typed("boolean")}, {"services", list_of_objects("one for each service")}}},
       {"required", {"daemon", "services"}}}));
  all.push_back(as_operation(
      options, "list_decisions", "Decisions",
      "The last decisions of the journal, oldest first: time, service, from, to, reason, limits, outcome.",
      "list_decisions", object({{"decisions", list_of_objects("oldest first")}}, {"decisions"})));
  all.push_back(as_operation(
      options, "explain_decision", "Explain a decision",
      "One decision with every number behind it: observations, rules that held, limits, samples, outcome. "
      "By its id, else the last one.",
      "explain", object({{"decision", typed("object")}}, {"decision"})));
  all.push_back(as_operation(
      options, "simulate", "What if",
      "What the service's policy, or an objective with max_wait seconds, would have made of the load that "
      "the journal recorded: waits, replicas, changes. Nothing real is touched.",
      "simulate",
      {{"type", "object"},
       {"properties",
        {{"service", typed("string")},
         {"wait", typed("object", "seconds")},
         {"replicas", typed("object")},
         {"late_share", typed("number", "of the messages, later than the objective")}}},
       {"required", {"service", "policy", "load", "wait", "replicas", "changes"}}}));
  for (auto& t : original_tools(options)) all.push_back(std::move(t));

  std::vector<Tool> acting;
  acting.push_back(apply_scale(options));
  acting.push_back(as_action(
      options, "pause_service", "Pause a service",
      "The policy does not count, the replicas stay as many as they are, for ten minutes or as long as "
      "`for` says. The bounds are still kept.",
      "pause"));
  acting.push_back(as_action(options, "resume_service", "Resume a service",
                             "Ends a pause, a scale and a stop by hand: the policy decides again.",
                             "resume"));
  acting.push_back(as_action(options, "approve", "Approve a proposal",
                             "Carries a proposal out; get_status shows what is open.", "approve"));
  acting.back().destructive = true;
  acting.back().idempotent = false;
  acting.push_back(as_action(
      options, "reject", "Reject a proposal",
      "Ends a proposal; the policy does not ask for the same again while it sees the same.", "reject"));
  acting.back().idempotent = false;
  for (auto& t : acting) {
    if (!options.allow_actions)
      t.off = fmt::format(
          "{} acts, and this server may only look: start it with `docktor mcp --allow-actions`, or leave a "
          "proposal with propose_scale",
          t.name);
    all.push_back(std::move(t));
  }
  return all;
}

}  // namespace docktor::mcp
