#include "app/config_schema.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/kinds.h"
#include "config/knobs.h"

namespace docktor {
namespace {

using Json = nlohmann::ordered_json;

Json reference(std::string_view name) { return {{"$ref", fmt::format("#/definitions/{}", name)}}; }

// The loader reads texts: a number may stand in quotes, true be yes, and any value be ${VAR}.
Json or_text(Json schema, std::string_view pattern) {
  return {
      {"anyOf",
       Json::array({std::move(schema), {{"type", "string"}, {"pattern", pattern}}, reference("variable")})}};
}
Json or_variable(Json schema) { return {{"anyOf", Json::array({std::move(schema), reference("variable")})}}; }

Json choices(const Knob& k) {
  auto values = Json::array();
  for (const auto choice : choices_of(k)) {
    values.push_back(choice);
    if (choice == "true" || choice == "false") values.push_back(choice == "true");
    long number = 0;  // YAML reads `version: 1` as a number
    const auto* end = choice.data() + choice.size();
    if (const auto r = std::from_chars(choice.data(), end, number); r.ec == std::errc() && r.ptr == end)
      values.push_back(number);
  }
  return or_variable({{"enum", values}});
}

Json allowed_value(const Knob& k) {
  if (!k.choices.empty()) return choices(k);
  const bool length = k.most > 0;
  switch (k.type) {
    case KnobType::kInteger:
      return or_text({{"type", "integer"}, {"minimum", k.least}, {"maximum", k.most}}, "^[-+]?[0-9]+$");
    case KnobType::kNumber:
      return or_text({{"type", "number"}, {"minimum", k.least}, {"maximum", k.most}},
                     "^[-+]?[0-9.]+(e[-+]?[0-9]+)?$");
    case KnobType::kPercent:
    case KnobType::kDuration:
      return {{"type", Json::array({"string", "number"})}};
    case KnobType::kBool:
      return or_text({{"type", "boolean"}},
                     "^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|[YyNn])$");
    case KnobType::kText:
    case KnobType::kUrl:
    case KnobType::kPath:
      return reference("text");
    case KnobType::kList: {
      Json list = {{"type", "array"}, {"items", reference("text")}, {"minItems", k.least}};
      if (length) list["maxItems"] = k.most;
      return list;
    }
    case KnobType::kCommand:
      return {{"anyOf", Json::array({reference("text"),
                                     {{"type", "array"}, {"items", reference("text")}, {"minItems", 1}}})}};
    case KnobType::kPairs:
      return {{"anyOf", Json::array({{{"type", "object"}, {"additionalProperties", reference("text")}},
                                     {{"type", "array"}, {"items", reference("text")}}})}};
    case KnobType::kSection:
      return {{"type", Json::array({"object", "null"})}};
    case KnobType::kSections:
      return {{"type", "array"}, {"items", {{"type", "object"}}}};
  }
  return Json::object();
}

std::string description(const Knob& k) {
  std::string out(k.meaning);
  if (!k.choices.empty() || k.type == KnobType::kSection || k.type == KnobType::kSections) return out;
  return out + fmt::format(" Allowed: {}.", allowed(k));
}

// A map with such keys. Behind each key: what its value must be, where the table does not say it (a map of the file's own).
Json map_of(const std::vector<const Knob*>& knobs,
            const std::vector<std::pair<std::string_view, Json>>& within = {}) {
  Json properties = Json::object();
  auto required = Json::array();
  for (const auto* k : knobs) {
    Json value = allowed_value(*k);
    if (k->within) {
      std::vector<const Knob*> inner;
      for (const auto& i : k->inner()) inner.push_back(&i);
      value = map_of(inner);
    }
    for (const auto& [key, schema] : within) {
      if (key == k->key) value = schema;
    }
    Json property = {{"description", description(*k)}};
    if (!k->standard.empty()) property["default"] = k->standard;
    if (value.contains("$ref"))
      property["allOf"] = Json::array({std::move(value)});  // what stands beside a $ref counts for nothing
    else
      property.update(value);
    properties[std::string(k->key)] = std::move(property);
    if (!k->file_key.empty())
      properties[std::string(k->file_key)] = {{"description", fmt::format("A file with {}.", k->key)},
                                              {"type", "string"}};
    // What a variable, a flag or another key may give need not stand in the file.
    if (k->required && k->variable.empty() && k->flag.empty() && k->file_key.empty())
      required.push_back(k->key);
  }
  Json map = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) map["required"] = std::move(required);
  return map;
}

Json map_of(Form form, const std::vector<std::pair<std::string_view, Json>>& within = {}) {
  return map_of(table_of(form).knobs, within);
}

Json list_of(Json items, const Knob* bounds = nullptr) {
  Json list = {{"type", "array"}, {"items", std::move(items)}};
  if (bounds && bounds->least > 0) list["minItems"] = bounds->least;
  if (bounds && bounds->most > 0) list["maxItems"] = bounds->most;
  return list;
}

// By its key `kind`, which may be missing where one kind is meant then.
Json map_of(const KindSort& sort) {
  const KindKnob kind(sort);
  auto cases = Json::array();
  for (const auto* k : sort.kinds) {
    std::vector<const Knob*> keys{&kind.knob};
    if (sort.name) keys.push_back(sort.name);
    for (const auto& key : k->keys) keys.push_back(&key);
    Json is = {{"properties", {{"kind", {{"const", k->name}}}}}};
    if (!k->implied) is["required"] = Json::array({"kind"});
    cases.push_back({{"if", std::move(is)}, {"then", map_of(keys)}});
  }
  Json map = {
      {"type", "object"}, {"properties", {{"kind", choices(kind.knob)}}}, {"allOf", std::move(cases)}};
  map["properties"]["kind"]["description"] = kind.knob.meaning;
  return map;
}

}  // namespace

Json config_schema(const Kinds& kinds) {
  Json all = {{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"title", "docktor.yaml"},
              {"description", "What docktor scales, and how. `docktor config validate` checks it wholly."}};
  auto top = table_of(kTop).knobs;
  const auto more = whole_file_knobs(kinds);
  top.insert(top.end(), more.begin(), more.end());
  const auto rule_list = [] { return list_of(map_of(kRule)); };
  all.update(map_of(
      top,
      {{"llm", map_of(kLlm)},
       {"http", map_of(kHttp, {{"tokens", list_of(map_of(kHttpToken))}})},
       {"high_availability", map_of(kHighAvailability)},
       {"notifications", list_of(map_of(kNotification), table_of(kTop).find("notifications"))},
       {"host", map_of(kHost)},
       {"scaling", map_of(kScaling)},
       {"target", reference("target")},
       {"services", list_of(map_of(kService, {{"schedule", list_of(map_of(kSchedule))},
                                              {"rules", map_of(kRules, {{"scale_up_when", rule_list()},
                                                                        {"scale_down_when", rule_list()}})},
                                              {"objective", map_of(kObjective)},
                                              {"queue", map_of(queue_sort(kinds))},
                                              {"queues", list_of(map_of(queues_sort(kinds)),
                                                                 table_of(kService).find("queues"))},
                                              {"target", reference("target")}}),
                            table_of(kTop).find("services"))}}));
  all["patternProperties"] = {{"^x-", Json::object()}};
  all["definitions"] = {{"variable", {{"type", "string"}, {"pattern", "\\$"}}},
                        {"text", {{"type", Json::array({"string", "number", "boolean"})}}},
                        {"target", map_of(target_sort(kinds))}};
  return all;
}

int config_schema_command(const Cli&) {
  std::printf("%s\n", config_schema(all_kinds()).dump(2).c_str());
  return 0;
}

}  // namespace docktor
