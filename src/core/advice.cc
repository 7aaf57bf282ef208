#include "core/advice.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace docktor {

std::string_view to_string(AdviceKind k) {
  switch (k) {
    case AdviceKind::kAgree:
      return "agree";
    case AdviceKind::kDelay:
      return "delay";
    case AdviceKind::kCancel:
      return "cancel";
    case AdviceKind::kAdd:
      return "add";
    case AdviceKind::kWithdraw:
      return "withdraw";
  }
  return "?";
}

std::string_view to_string(Verdict v) {
  switch (v) {
    case Verdict::kNotAsked:
      return "not_asked";
    case Verdict::kFollowed:
      return "followed";
    case Verdict::kClamped:
      return "clamped";
    case Verdict::kIgnored:
      return "ignored";
    case Verdict::kUnavailable:
      return "unavailable";
  }
  return "?";
}

Advice shortened_to(Advice advice, Duration max_delay) {
  if (advice.kind == AdviceKind::kDelay && advice.delay > max_delay) {
    advice.delay = max_delay;
    advice.shortened = true;
  }
  return advice;
}

nlohmann::ordered_json to_json(const Advice& a) {
  nlohmann::ordered_json j = {{"action", to_string(a.kind)}};
  if (a.kind == AdviceKind::kDelay) j["delay"] = to_seconds(a.delay);
  if (a.kind == AdviceKind::kAdd) j["replicas"] = a.replicas;
  if (a.shortened) j["shortened"] = true;
  j["reason"] = a.reason;
  return j;
}

Result<Advice> advice_from_json(const nlohmann::ordered_json& j) {
  const auto bad = [] { return fail(ErrorCode::kInvalid, "not the record of an advice"); };
  if (!j.is_object()) return bad();
  const auto action = j.find("action");
  if (action == j.end() || !action->is_string()) return bad();
  Advice a;
  const auto text = action->get<std::string>();
  const auto kinds = {AdviceKind::kAgree, AdviceKind::kDelay, AdviceKind::kCancel, AdviceKind::kAdd,
                      AdviceKind::kWithdraw};
  const auto* const kind = std::ranges::find(kinds, text, [](AdviceKind k) { return to_string(k); });
  if (kind == kinds.end()) return bad();
  a.kind = *kind;
  if (const auto it = j.find("delay"); it != j.end()) {
    if (!it->is_number() || !(it->get<double>() >= 0 && it->get<double>() < 1e6)) return bad();
    a.delay = seconds(it->get<double>());
  }
  if (const auto it = j.find("replicas"); it != j.end()) {
    if (!it->is_number_integer()) return bad();
    a.replicas = static_cast<int>(std::clamp<std::int64_t>(it->get<std::int64_t>(), 0, 1'000'000));
  }
  if (const auto it = j.find("shortened"); it != j.end()) a.shortened = it->is_boolean() && it->get<bool>();
  if (const auto it = j.find("reason"); it != j.end() && it->is_string()) a.reason = it->get<std::string>();
  return a;
}

}  // namespace docktor
