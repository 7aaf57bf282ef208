#include "config/effective.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/scalars.h"
#include "core/text.h"

namespace docktor {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHidden = "***";

void put(Json& json, const char* key, const Secret& secret) {
  if (!secret.empty()) json[key] = kHidden;
}

// 500 rather than 500.0, as people write it.
Json shown_number(double v) {
  constexpr double kExact = 1e15;
  if (v == std::floor(v) && std::abs(v) <= kExact) return static_cast<std::int64_t>(v);
  return v;
}

Json rules_json(const std::vector<Rule>& rules) {
  Json list = Json::array();
  for (const auto& r : rules) {
    list.push_back({{"metric", r.metric_text}, {"op", to_string(r.op)}, {"value", shown_number(r.value)}});
  }
  return list;
}

// One value as the file takes it back; nothing where it is empty.
struct Shown {
  Json operator()(bool v) const { return v; }
  Json operator()(int v) const { return v; }
  Json operator()(double v) const { return shown_number(v); }
  Json operator()(Duration v) const { return exact_duration(v); }
  Json operator()(const std::string& v) const { return v.empty() ? Json() : Json(v); }
  Json operator()(const Url& v) const { return v.value.empty() ? Json() : Json(redacted_url(v.value)); }
  Json operator()(const Secret& v) const { return v.empty() ? Json() : Json(kHidden); }
  Json operator()(const std::vector<std::string>& v) const { return v.empty() ? Json() : Json(v); }
  Json operator()(const CommandLine& v) const { return v.shown.empty() ? Json() : Json(v.shown); }
  Json operator()(const Pairs& v) const {
    Json json;
    for (const auto& [name, value] : v) json[name] = kHidden;
    return json;
  }
};

Json kind_json(const std::string& kind, const Settings& settings) {
  Json json = {{"kind", kind}};
  for (const auto& [key, setting] : settings) {
    if (auto shown = std::visit(Shown{}, setting); !shown.is_null()) json[key] = std::move(shown);
  }
  return json;
}

}  // namespace

Json effective_service(const ServiceSpec& s) {
  Json json = {{"name", s.name},
               {"min_replicas", s.limits.min_replicas},
               {"max_replicas", s.limits.max_replicas},
               {"scale_up_by", s.limits.scale_up_by},
               {"scale_down_by", s.limits.scale_down_by},
               {"check_interval", exact_duration(s.check_interval)},
               {"sample_interval", exact_duration(s.sample_interval)},
               {"metrics_window", exact_duration(s.metrics_window)},
               {"cooldown_up", exact_duration(s.limits.cooldown_up)},
               {"cooldown_down", exact_duration(s.limits.cooldown_down)},
               {"stabilization", exact_duration(s.limits.stabilization)}};
  for (const auto& e : s.schedule) {
    Json entry = {{"cron", e.cron}, {"for", exact_duration(e.length)}, {"timezone", e.timezone}};
    if (e.min_replicas) entry["min_replicas"] = *e.min_replicas;
    if (e.max_replicas) entry["max_replicas"] = *e.max_replicas;
    json["schedule"].push_back(std::move(entry));
  }
  if (s.priority != 0) json["priority"] = s.priority;
  if (s.rules) {
    json["rules"] = {{"scale_up_when", rules_json(s.rules->scale_up_when)},
                     {"scale_down_when", rules_json(s.rules->scale_down_when)}};
  }
  if (s.objective) {
    json["objective"] = {{"max_wait", exact_duration(s.objective->max_wait)},
                         {"quantile", s.objective->quantile},
                         {"max_headroom", fmt::format("{:g}%", 100 * s.objective->max_headroom)}};
  }
  if (s.rules && s.objective) json["rules_mode"] = s.rules_mode == RulesMode::kVeto ? "veto" : "floor";
  if (s.queue && s.queue->parts.empty()) json["queue"] = kind_json(s.queue->kind, s.queue->settings);
  if (s.queue) {
    for (const auto& part : s.queue->parts) {
      Json one = {{"name", part.name}};
      one.update(kind_json(part.kind, part.settings));
      json["queues"].push_back(std::move(one));
    }
  }
  json["target"] = kind_json(s.target.kind, s.target.settings);
  if (!s.worker.empty()) json["worker"] = s.worker;
  return json;
}

Json effective_config(const Config& config) {
  Json json = {{"config", config.path}, {"version", config.version}};
  if (config.llm) {
    json["llm"] = {{"provider", config.llm->provider},
                   {"base_url", redacted_url(config.llm->base_url)},
                   {"model", config.llm->model},
                   {"mode", to_string(config.llm->mode)},
                   {"timeout", exact_duration(config.llm->timeout)},
                   {"max_tokens", config.llm->max_tokens},
                   {"max_delay", exact_duration(config.llm->max_delay)}};
    put(json["llm"], "api_key", config.llm->api_key);
  }
  if (config.max_total_replicas) json["max_total_replicas"] = *config.max_total_replicas;
  json["services"] = Json::array();
  for (const auto& s : config.services) json["services"].push_back(effective_service(s));
  return json;
}

Json effective_http(const HttpSpec& http) {
  Json json = {{"listen", http.listen}};
  if (!http.hosts.empty()) json["hosts"] = http.hosts;
  if (!http.public_url.empty()) json["public_url"] = http.public_url;
  for (std::size_t i = 0; i < http.tokens.size(); ++i)
    json["tokens"].push_back(
        {{"name", http.tokens[i].name}, {"file", http.token_files[i]}, {"acts", http.tokens[i].acts}});
  return json;
}

Json effective_host(const HostSpec& host) {
  return {{"memory_reserve", fmt::format("{:g}%", 100 * host.memory_reserve)},
          {"cpu_max", fmt::format("{:g}%", 100 * host.cpu_max)},
          {"enabled", host.enabled}};
}

Json effective_lease(const LeaseSpec& s) {
  Json json = {{"name", s.name}};
  for (const auto& [key, value] : {std::pair{"namespace", &s.namespace_},
                                   {"kubeconfig", &s.kubeconfig},
                                   {"context", &s.context},
                                   {"identity", &s.identity}}) {
    if (!value->empty()) json[key] = *value;
  }
  json["lease_duration"] = exact_duration(s.lease_duration);
  json["renew_deadline"] = exact_duration(s.renew_deadline);
  json["retry_period"] = exact_duration(s.retry_period);
  return json;
}

Json effective_notifications(const std::vector<ChannelSpec>& channels) {
  Json list = Json::array();
  for (const auto& c : channels) {
    Json one = {{"name", c.name}, {"url", c.shown}, {"hold_off", exact_duration(c.hold_off)}};
    if (!c.events.empty()) one["events"] = c.events;
    if (!c.services.empty()) one["services"] = c.services;
    if (c.repeat > Duration::zero()) one["repeat"] = exact_duration(c.repeat);
    if (!c.keys.empty()) one["secret_file"] = kHidden;
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace docktor
