#include "llm/advice_text.h"

#include <fmt/format.h>

#include <optional>
#include <set>

namespace docktor::llm {
namespace {

using nlohmann::json;

// The object, or nothing: duplicate keys and deep nesting are refused, which a plain parse would let pass.
std::optional<json> strict_object(std::string_view text, std::string& why) {
  constexpr int kMaxDepth = 4;
  std::vector<std::set<std::string>> keys;
  bool twice = false, deep = false;
  const auto look = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) deep = true;
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.empty())
      twice = !keys.back().insert(parsed.get<std::string>()).second || twice;
    return !deep;
  };
  json j = json::parse(text.begin(), text.end(), look, false);
  if (deep)
    why = "it is nested too deeply";
  else if (j.is_discarded())
    why = "it is not JSON";
  else if (twice)
    why = "it has a key twice";
  else if (!j.is_object())
    why = "it is not a JSON object";
  if (!why.empty()) return std::nullopt;
  return j;
}

std::optional<int> whole(const json& v, int most) {
  if (!v.is_number_integer()) return std::nullopt;
  if (v.is_number_unsigned()) {
    const auto n = v.get<std::uint64_t>();
    return n <= static_cast<std::uint64_t>(most) ? std::optional(static_cast<int>(n)) : std::nullopt;
  }
  return std::nullopt;  // negative
}

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  // Through the dump, which replaces what is not UTF-8.
  std::string clean =
      json(std::string(text.substr(0, 4 * most))).dump(-1, ' ', false, json::error_handler_t::replace);
  clean = json::parse(clean).get<std::string>();
  std::string out;
  for (std::size_t i = 0; i < clean.size();) {
    const auto c = static_cast<unsigned char>(clean[i]);
    const std::size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (out.size() + n > most) break;
    // C1 controls (0x80 to 0x9f) and the marks that turn the direction of text could disguise a line, too.
    const auto second = i + 1 < clean.size() ? static_cast<unsigned char>(clean[i + 1]) : 0;
    const auto third = i + 2 < clean.size() ? static_cast<unsigned char>(clean[i + 2]) : 0;
    const bool turns =
        c == 0xe2 &&
        ((second == 0x80 && ((third >= 0x8b && third <= 0x8f) || (third >= 0xa8 && third <= 0xae))) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9));
    const bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && second < 0xa0) || turns;
    if (control)
      out += ' ';
    else
      out += clean.substr(i, n);
    i += n;
  }
  const auto from = out.find_first_not_of(' ');
  if (from == std::string::npos) return {};
  return out.substr(from, out.find_last_not_of(' ') - from + 1);
}

Result<Advice> parse_advice(std::string_view text, bool down) {
  const auto bad = [](std::string what) {
    return fail(ErrorCode::kInvalid, "the answer makes no sense: " + std::move(what));
  };
  if (text.size() > kMaxAnswer) return bad(fmt::format("it is longer than {} bytes", kMaxAnswer));
  std::string why;
  const auto parsed = strict_object(text, why);
  if (!parsed) return bad(why);
  const json& j = *parsed;
  for (const auto& [key, v] : j.items()) {
    if (key != "action" && key != "reason" && key != (down ? "delay_seconds" : "replicas"))
      return bad("it has an unknown key");
  }
  const auto action = j.find("action");
  if (action == j.end() || !action->is_string()) return bad("action is missing or no text");
  Advice a;
  const auto& word = action->get_ref<const std::string&>();
  if (word == "agree")
    a.kind = AdviceKind::kAgree;
  else if (down && word == "delay")
    a.kind = AdviceKind::kDelay;
  else if (down && word == "cancel")
    a.kind = AdviceKind::kCancel;
  else if (!down && word == "add")
    a.kind = AdviceKind::kAdd;
  else
    return bad(down ? "action is not agree, delay or cancel" : "action is not agree or add");

  if (const auto it = j.find("delay_seconds"); it != j.end()) {
    const auto v = whole(*it, kMostAdvisedSeconds);
    if (!v) return bad(fmt::format("delay_seconds is no whole number from 0 to {}", kMostAdvisedSeconds));
    if (a.kind == AdviceKind::kDelay) a.delay = std::chrono::seconds(*v);
  } else if (a.kind == AdviceKind::kDelay) {
    return bad("delay_seconds is missing");
  }
  if (const auto it = j.find("replicas"); it != j.end()) {
    const auto v = whole(*it, kMostAdvisedReplicas);
    if (!v) return bad(fmt::format("replicas is no whole number from 0 to {}", kMostAdvisedReplicas));
    if (a.kind == AdviceKind::kAdd) a.replicas = *v;
  } else if (a.kind == AdviceKind::kAdd) {
    return bad("replicas is missing");
  }
  if (const auto it = j.find("reason"); it != j.end()) {
    if (!it->is_string()) return bad("reason is no text");
    a.reason = one_line(it->get_ref<const std::string&>(), kMaxAdviceReason);
  } else if (a.kind != AdviceKind::kAgree) {
    return bad("reason is missing");
  }
  return a;
}

nlohmann::ordered_json advice_schema(bool down) {
  using nlohmann::ordered_json;
  ordered_json properties;
  ordered_json required = {"action"};
  properties["action"] = {{"type", "string"}};
  if (down) {
    properties["action"]["enum"] = {"agree", "delay", "cancel"};
    properties["delay_seconds"] = {{"type", "integer"}, {"minimum", 0}, {"maximum", kMostAdvisedSeconds}};
    required.push_back("delay_seconds");
  } else {
    properties["action"]["enum"] = {"agree", "add"};
    properties["replicas"] = {{"type", "integer"}, {"minimum", 0}, {"maximum", kMostAdvisedReplicas}};
    required.push_back("replicas");
  }
  properties["reason"] = {{"type", "string"}, {"maxLength", kMaxAdviceReason}};
  required.push_back("reason");
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

}  // namespace docktor::llm
