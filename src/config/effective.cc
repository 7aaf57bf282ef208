#include "config/effective.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/scalars.h"
#include "core/text.h"

namespace docktor {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHidden = "***";

void put(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}

void put(Json& json, const char* key, const Secret& secret) {
  if (!secret.empty()) json[key] = kHidden;
}

// 500 rather than 500.0, as people write it.
Json number(double v) {
  constexpr double kExact = 1e15;
  if (v == std::floor(v) && std::abs(v) <= kExact) return static_cast<std::int64_t>(v);
  return v;
}

Json rules_json(const std::vector<Rule>& rules) {
  Json list = Json::array();
  for (const auto& r : rules) {
    list.push_back({{"metric", r.metric_text}, {"op", to_string(r.op)}, {"value", number(r.value)}});
  }
  return list;
}

Json queue_json(const QueueSpec& q) {
  Json json = {
      {"kind", q.kind}, {"url", redacted_url(q.url)}, {"stream", q.stream}, {"consumer", q.consumer}};
  put(json, "domain", q.domain);
  put(json, "api_prefix", q.api_prefix);
  put(json, "advisory_prefix", q.advisory_prefix);
  put(json, "subject", q.subject);
  if (!q.metrics.empty()) json["metrics"] = q.metrics;
  put(json, "user", q.user);
  put(json, "password", q.password);
  put(json, "token", q.token);
  put(json, "creds_file", q.creds_file);
  put(json, "nkey", q.nkey_seed);
  put(json, "tls_ca_file", q.tls_ca_file);
  put(json, "tls_cert_file", q.tls_cert_file);
  put(json, "tls_key_file", q.tls_key_file);
  return json;
}

Json target_json(const TargetSpec& t) {
  Json json = {{"kind", t.kind}};
  if (t.kind == "process") {
    json["command"] = t.command;
    json["directory"] = t.directory;
    for (const auto& [name, value] : t.environment) json["environment"][name] = kHidden;
    json["stop_grace_period"] = exact_duration(t.stop_grace_period);
    json["ready_after"] = exact_duration(t.ready_after);
  } else {
    json["compose_file"] = t.compose_file;
    put(json, "project", t.project);
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
  if (s.rules) {
    json["rules"] = {{"scale_up_when", rules_json(s.rules->scale_up_when)},
                     {"scale_down_when", rules_json(s.rules->scale_down_when)}};
  }
  if (s.objective) {
    json["objective"] = {{"max_wait", exact_duration(s.objective->max_wait)},
                         {"quantile", s.objective->quantile}};
  }
  if (s.rules && s.objective) json["rules_mode"] = s.rules_mode == RulesMode::kVeto ? "veto" : "floor";
  if (s.queue) json["queue"] = queue_json(*s.queue);
  json["target"] = target_json(s.target);
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
  json["services"] = Json::array();
  for (const auto& s : config.services) json["services"].push_back(effective_service(s));
  return json;
}

}  // namespace docktor
