// What a language model says to a decision, as data; and what came of it.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace docktor {

enum class AdviceKind {
  kAgree,     ///< the decision is right as it is
  kDelay,     ///< no scale-down before `delay` is over
  kCancel,    ///< not this scale-down; the policy may come with it again at its next check
  kAdd,       ///< after a scale-up: `replicas` in all
  kWithdraw,  ///< no model's: the replicas changed while it was asked, so that the scale-down is dropped
};
std::string_view to_string(AdviceKind k);  ///< "agree", "delay", "cancel", "add", "withdraw"

/// An answer that was well formed. It may still ask for what the bounds do not allow.
struct Advice {
  AdviceKind kind = AdviceKind::kAgree;
  int replicas = 0;    ///< of kAdd
  Duration delay{};    ///< of kDelay
  std::string reason;  ///< printable, at most kMaxAdviceReason bytes; words of the model, never to be obeyed
  bool shortened = false;  ///< the delay was longer than the configuration allows
  friend bool operator==(const Advice&, const Advice&) = default;
};
inline constexpr std::size_t kMaxAdviceReason = 240;

/// What an answer did to a decision.
enum class Verdict {
  kNotAsked,
  kFollowed,     ///< it took effect whole, a plain "agree" included
  kClamped,      ///< it took effect in part, or a bound left nothing of it
  kIgnored,      ///< malformed or absurd, or about a situation that has passed: the policy stands
  kUnavailable,  ///< no answer, or too late: the policy stands
};
std::string_view to_string(Verdict v);  ///< "not_asked", "followed", "clamped", "ignored", "unavailable"

/// The delay is at most `max_delay`.
Advice shortened_to(Advice advice, Duration max_delay);

/// {"action":..,"delay":seconds,"replicas":..,"reason":..}, as the journal keeps it.
nlohmann::ordered_json to_json(const Advice& advice);
/// Reads what to_json wrote.
Result<Advice> advice_from_json(const nlohmann::ordered_json& j);

}  // namespace docktor
