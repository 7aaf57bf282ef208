#include "api/operations.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "api/schema.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::json;

constexpr int kMostReplicas = 100'000;
constexpr std::size_t kMostVia = 80;

json text(const char* what, int most = 200) {
  return {{"type", "string"}, {"description", what}, {"minLength", 1}, {"maxLength", most}};
}
json length_text(std::string_view without) {
  return text(fmt::format("how long: {}; {}", kLengths, without).c_str(), 40);
}
json count(const char* what, int least, int most) {
  return {{"type", "integer"}, {"description", what}, {"minimum", least}, {"maximum", most}};
}
json number(const char* what, double least, double most) {
  return {{"type", "number"}, {"description", what}, {"minimum", least}, {"maximum", most}};
}
json rules(const char* what);
json flag(const char* what) { return {{"type", "boolean"}, {"description", what}}; }

json object(std::initializer_list<std::pair<std::string, json>> properties,
            std::vector<std::string> required = {}) {
  json j = {{"type", "object"}, {"properties", json::object()}, {"additionalProperties", false}};
  for (const auto& [name, schema] : properties) j["properties"][name] = schema;
  if (!required.empty()) j["required"] = std::move(required);
  return j;
}

json rules(const char* what) {
  return {{"type", "array"},
          {"description", what},
          {"maxItems", 50},
          {"items", object({{"metric", text("queue.backlog, queue.rate_in, cpu.avg, ...", 40)},
                            {"op", {{"type", "string"}, {"enum", {">", ">=", "<", "<=", "==", "!="}}}},
                            {"value", number("the threshold", -1e15, 1e15)}},
                           {"metric", "op", "value"})}};
}

json service_name() { return text("a service of the configuration", 100); }

// Those that change nothing.
std::vector<Operation> operations_that_look() {
  const json service = service_name();
  using enum OperationKind;
  return {
      {"status",
       "Replicas, newest observation, last decision with its reason, overrides, proposals, and why nothing "
       "happens "
       "when nothing does.",
       kRead, object({{"service", service}})},
      {"list_decisions", "The last decisions of the journal, oldest first, each with its reason.", kRead,
       object({{"service", service},
               {"last", count("how many (20)", 1, 1000)},
               {"changes", flag("leave out the holds")}})},
      {"explain",
       "One decision with every number behind it: observations, rules, limits, samples. By its id, else the "
       "last one "
       "(of the service).",
       kRead, object({{"id", text("a decision's id", 64)}, {"service", service}})},
      {"proposals", "Lists proposals waiting for approval.", kRead, object({{"service", service}})},
      {"simulate",
       "What a policy would have made of the load that the journal recorded: waits, replicas, changes. "
       "Nothing real is "
       "touched.",
       kRead,
       object({{"service", service},
               {"max_wait",
                number("an objective instead of the service's own policy: seconds that a message may wait",
                       0.01, 86400)},
               {"min_replicas", count("instead of the configuration's", 0, kMostReplicas)},
               {"max_replicas", count("instead of the configuration's", 1, kMostReplicas)},
               {"capacity",
                number("messages per second that a replica carries, where the journal has not learned it",
                       1e-3, 1e6)},
               {"start_up",
                number("seconds from an order until a replica works, where it was not learned", 0, 3600)}})},
      {"savings",
       "What ran, from the journal: replica-seconds beside max_replicas all the time, and how long messages "
       "waited. No rows while less than a minute is recorded.",
       kRead,
       object({{"service", service}, {"last", text("how far back: 7d, 24h, 90m (7d)", 40)}}, {"service"})},
      {"decide",
       "What rules would decide on given numbers, within the bounds and steps of the service. Nothing is "
       "done.",
       kRead,
       object(
           {{"service", service},
            {"observations",
             {{"type", "object"},
              {"description", "metric to number (queue.backlog, cpu.avg, ...); without, what is true now"}}},
            {"current_replicas",
             count("replicas to start from; without, as many as there are", 0, kMostReplicas)},
            {"rules", object({{"scale_up_when", rules("any of these: up")},
                              {"scale_down_when", rules("all of these: down")}})},
            {"min_replicas", count("narrows the service's bounds", 0, kMostReplicas)},
            {"max_replicas", count("narrows the service's bounds", 1, kMostReplicas)}},
           {"service"})},
  };
}

std::vector<Operation> operations_that_act() {
  const json service = service_name();
  const json reason = text("why, for the record", 300);
  const json length = length_text("without, until resume");
  const json id = text("the proposal's id, as `proposals` and `status` show it", 64);
  using enum OperationKind;
  return {
      {"propose", "Leaves a proposal to have so many replicas, which a person may approve or reject.",
       kPropose,
       object({{"service", service},
               {"replicas", count("how many there should be, within the bounds", 0, kMostReplicas)},
               {"reason", reason}},
              {"service", "replicas"})},
      {"pause",
       "The policy does not count, the replicas stay as many as they are; the bounds are still kept.", kAct,
       object({{"service", service}, {"for", length}, {"reason", reason}}, {"service"})},
      {"resume", "Ends a pause, a scale by hand and a stop by hand: the policy decides again.", kAct,
       object({{"service", service}}, {"service"})},
      {"scale", "Runs N replicas instead of what the policy wants, within the bounds.", kAct,
       object({{"service", service},
               {"replicas", count("how many there shall be", 0, kMostReplicas)},
               {"for", length},
               {"reason", reason}},
              {"service", "replicas"})},
      {"set_bounds", "Overrides min_replicas and max_replicas.", kAct,
       object({{"service", service},
               {"min_replicas", count("fewest replicas", 0, kMostReplicas)},
               {"max_replicas", count("most replicas", 1, kMostReplicas)},
               {"for", length_text("without, until reset_bounds")}},
              {"service", "min_replicas", "max_replicas"})},
      {"reset_bounds", "The configuration's bounds again.", kAct,
       object({{"service", service}}, {"service"})},
      {"approve", "Carries a proposal out.", kAct, object({{"id", id}}, {"id"})},
      {"reject", "Ends a proposal; the policy does not ask for the same again while it sees the same.", kAct,
       object({{"id", id}, {"reason", reason}}, {"id"})},
  };
}

}  // namespace

std::vector<Operation> operations() {
  auto all = operations_that_look();
  std::ranges::move(operations_that_act(), std::back_inserter(all));
  return all;
}

Result<Operation> checked_operation(std::string_view name, const json& arguments) {
  auto all = operations();
  const auto it = std::ranges::find(all, name, &Operation::name);
  if (it == all.end()) {
    std::vector<std::string_view> names;
    for (const auto& o : all) names.push_back(o.name);
    const auto near = did_you_mean(name, names);
    return fail(ErrorCode::kNotFound,
                fmt::format("unknown operation '{}'{}; there are: {}", name.substr(0, 60),
                            near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(names, ", ")));
  }
  if (auto fits = check_schema(it->arguments, arguments, it->name); !fits)
    return tl::unexpected(fits.error());
  return std::move(*it);
}

std::string Asker::text() const {
  std::string plain;
  for (const char c : via) {
    if (plain.size() >= kMostVia) break;
    const auto u = static_cast<unsigned char>(c);
    plain += u >= 0x20 && u < 0x7f && c != '"' && c != '\\' ? c : '?';
  }
  return plain.empty() ? user : fmt::format("{} via {}", user, plain);
}

}  // namespace docktor
