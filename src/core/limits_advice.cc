// What advice may do to a decision: keep replicas longer, or add some; never fewer than the policy wants,
// never beyond bounds, steps, cooldown and budget.
#include <fmt/format.h>

#include <algorithm>

#include "core/limits.h"
#include "core/text.h"

namespace docktor {
namespace {

bool limited_by(const Decision& d, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(d.limits, [&](const AppliedLimit& l) {
    return std::ranges::find(names, std::string_view(l.name)) != names.end();
  });
}

std::string quoted_reason(const Advice& a) {
  return a.reason.empty() ? std::string() : fmt::format(": \"{}\"", a.reason);
}

}  // namespace

bool Limits::open_to_advice(const Decision& d, const Overrides& overrides) const {
  const int max = bounds(overrides).second;
  const bool policys = !limited_by(d, {"stopped_by_hand", "problem", "held", "advice"});
  return policys && (d.action == Action::kScaleUp || (d.action == Action::kScaleDown && d.current <= max));
}

Decision Limits::advise(Time now, Decision d, const Advice& advice, const Overrides& overrides) {
  const auto change = [&](int to, std::string detail) {
    d.limits.push_back({"advice", d.target, to, detail});
    d.reason += "; " + std::move(detail);
    d.target = to;
    d.action = to > d.current ? Action::kScaleUp : to < d.current ? Action::kScaleDown : Action::kHold;
    if (d.action == Action::kHold)
      memory_.ordered.reset();  // a change that comes now is somebody else's
    else
      memory_.ordered = {now, to};
  };
  const auto end = [&](Verdict verdict, std::string detail = {}) {
    d.verdict = verdict;
    d.verdict_detail = std::move(detail);
    return d;
  };

  switch (advice.kind) {
    case AdviceKind::kAgree:
      return end(Verdict::kFollowed);
    case AdviceKind::kWithdraw:
      if (d.action == Action::kScaleDown) change(d.current, advice.reason);
      return end(Verdict::kIgnored, advice.reason);
    case AdviceKind::kDelay:
    case AdviceKind::kCancel: {
      if (d.action != Action::kScaleDown || !open_to_advice(d, overrides))
        return end(Verdict::kIgnored, "there is no scale-down to put off any more");
      if (!memory_.budget.left())
        return end(Verdict::kClamped, "advice has kept as many replica-seconds as it may for now");
      if (advice.kind == AdviceKind::kCancel) {
        change(d.current, "cancelled on the model's advice" + quoted_reason(advice));
        return end(Verdict::kFollowed);
      }
      if (advice.delay == Duration::zero())
        return end(advice.shortened ? Verdict::kClamped : Verdict::kFollowed);
      memory_.put_off_until = now + advice.delay;
      memory_.put_off_why = advice.reason;
      change(d.current, fmt::format("put off for {} on the model's advice{}", short_duration(advice.delay),
                                    quoted_reason(advice)));
      return end(advice.shortened ? Verdict::kClamped : Verdict::kFollowed,
                 advice.shortened ? "it asked for longer than max_delay" : "");
    }
    case AdviceKind::kAdd: {
      const auto [min, max] = bounds(overrides);
      if (d.action == Action::kScaleDown) return end(Verdict::kIgnored, "the policy wants fewer by now");
      if (advice.replicas <= d.target) {
        return end(advice.replicas == d.target ? Verdict::kFollowed : Verdict::kClamped,
                   advice.replicas == d.target ? "" : "the policy wants more");
      }
      const bool cooling = memory_.last_change && now - *memory_.last_change < rules_.spec.cooldown_up;
      if (overrides.approval) return end(Verdict::kClamped, "in manual mode a person decides");
      const bool blocked = limited_by(
          d, {"stopped_by_hand", "problem", "held", "freshness", "reset", "failing", "cooldown_up"});
      if (blocked || cooling || d.recommendation.no_data || d.current < min || d.current > max)
        return end(Verdict::kClamped, "limits allow no scale-up now");
      if (!memory_.budget.left())
        return end(Verdict::kClamped, "advice has used as many replica-seconds as it may for now");
      const int to = std::min({advice.replicas, max, d.current + rules_.spec.scale_up_by});
      if (to <= d.target) return end(Verdict::kClamped, "already at the step's or the bounds' end");
      change(to, fmt::format("to {} on the model's advice{}", to, quoted_reason(advice)));
      return end(to == advice.replicas ? Verdict::kFollowed : Verdict::kClamped,
                 to == advice.replicas ? "" : fmt::format("it asked for {}", advice.replicas));
    }
  }
  return end(Verdict::kIgnored);
}

}  // namespace docktor
