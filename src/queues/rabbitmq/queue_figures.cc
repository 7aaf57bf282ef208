#include "queues/rabbitmq/queue_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.h"
#include "core/text.h"

namespace docktor {

using nlohmann::json;

const std::string_view kFigureColumns =
    "name,type,messages_ready,messages_unacknowledged,arguments,auto_delete,exclusive,effective_policy_"
    "definition,"
    "leader,head_message_timestamp,message_stats.publish,message_stats.deliver_get,message_stats.redeliver";

namespace {

constexpr std::uint64_t kMostSensible = 1ULL << 53;  // beyond, a double that stands for a count is no count

// A count, or nothing: text, a fraction and a negative number are none.
std::optional<std::uint64_t> count_at(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_unsigned()) return std::nullopt;
  const auto n = it->get<std::uint64_t>();
  return n > kMostSensible ? std::nullopt : std::optional(n);
}

bool true_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

std::string text_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const json& object_at(const json& object, const char* key) {
  static const json empty = json::object();
  const auto it = object.find(key);
  return it != object.end() && it->is_object() ? *it : empty;
}

std::optional<QueueFigures::Stats> stats_of(const json& queue) {
  const auto it = queue.find("message_stats");
  if (it == queue.end() || !it->is_object() || it->empty()) return std::nullopt;
  QueueFigures::Stats s;
  std::uint64_t deliver_get = 0;
  for (const auto& [key, value] : {std::pair{"publish", &s.publish}, std::pair{"deliver_get", &deliver_get},
                                   std::pair{"redeliver", &s.redeliver}}) {
    if (!it->contains(key)) continue;
    const auto n = count_at(*it, key);
    if (!n) return std::nullopt;  // a count that is none spoils the rest
    *value = *n;
  }
  if (it->contains("deliver_get")) s.deliver_get = deliver_get;
  s.redeliver = std::min(s.redeliver, deliver_get);
  return s;
}

QueueFigures figures_of(const json& queue) {
  QueueFigures f;
  f.type = text_at(queue, "type");
  f.auto_delete = true_at(queue, "auto_delete");
  f.exclusive = true_at(queue, "exclusive");
  const auto& arguments = object_at(queue, "arguments");
  f.single_active_consumer = true_at(arguments, "x-single-active-consumer");
  f.expires_ms = count_at(arguments, "x-expires");
  if (!f.expires_ms) f.expires_ms = count_at(object_at(queue, "effective_policy_definition"), "expires");
  f.leaderless = f.type == "quorum" && text_at(queue, "leader").empty();
  f.ready = count_at(queue, "messages_ready");
  f.unacknowledged = count_at(queue, "messages_unacknowledged");
  if (const auto it = queue.find("head_message_timestamp"); it != queue.end() && it->is_number_integer())
    f.head_timestamp = it->get<std::int64_t>();
  f.stats = stats_of(queue);
  return f;
}

}  // namespace

Result<QueueFigures> parse_queue(std::string_view text, const std::string& name) {
  const auto queue = parse_json(text);
  // A server that has just started answers with an empty list in place of the queue.
  if (queue.is_array() && queue.empty())
    return fail(ErrorCode::kUnavailable, "the management API has no figures of the queue yet", true);
  if (!queue.is_object()) return fail(ErrorCode::kInternal, "the management API's answer is not a queue");
  if (const auto its = text_at(queue, "name"); its != name)
    return fail(ErrorCode::kInternal, fmt::format("the management API answered with the queue {:?}",
                                                  plain_text(its.substr(0, 255))));
  return figures_of(queue);
}

Result<std::map<std::string, QueueFigures>> parse_queues(std::string_view text) {
  const auto list = parse_json(text);
  if (!list.is_array())
    return fail(ErrorCode::kInternal, "the management API's answer is not a list of queues");
  std::map<std::string, QueueFigures> out;
  for (const auto& queue : list) {
    if (!queue.is_object()) continue;
    if (auto name = text_at(queue, "name"); !name.empty()) out.emplace(std::move(name), figures_of(queue));
  }
  return out;
}

std::string why_unfit_for_zero(const QueueFigures& figures, const std::string& queue) {
  if (figures.auto_delete) {
    return fmt::format(
        "queue {} is auto_delete: with no consumer left the server deletes it with its messages; declare it "
        "without "
        "auto_delete or set min_replicas: 1",
        queue);
  }
  if (figures.exclusive) {
    return fmt::format(
        "queue {} is exclusive: it goes with the connection that made it; declare it without exclusive or "
        "set "
        "min_replicas: 1",
        queue);
  }
  if (figures.expires_ms) {
    return fmt::format(
        "queue {} expires: unused for {} the server deletes it with its messages, also while docktor is "
        "down; declare "
        "it without x-expires (or remove expires from its policy), or set min_replicas: 1",
        queue, short_duration(std::chrono::milliseconds(*figures.expires_ms)));
  }
  return {};
}

}  // namespace docktor
