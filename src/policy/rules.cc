#include "policy/rules.h"

#include <fmt/format.h>

#include <utility>

namespace docktor {
namespace {

struct Verdict {
  bool any = false;
  bool all = false;
  std::vector<MatchedRule> matched;
  std::string matched_text;  // "queue.backlog 1500.0 > 500", joined
  std::string missed_text;   // the rules that did not hold, with what they saw
  std::string blind_text;    // the rules that cannot be judged
};

Verdict judge(const std::vector<Rule>& rules, const char* when, const char* join, const Observation& o) {
  Verdict v;
  v.all = !rules.empty();
  for (const Rule& r : rules) {
    const bool stale = is_queue(r.metric) ? o.queue_stale : o.usage_stale;
    const auto value = stale ? std::nullopt : o.get(r.metric);
    if (value && holds(*value, r.op, r.value)) {
      v.any = true;
      v.matched.push_back({when, r, *value});
      v.matched_text += fmt::format("{}{} {:.1f} {} {}", v.matched_text.empty() ? "" : join, r.metric_text,
                                    *value, to_string(r.op), r.value_text);
    } else {
      v.all = false;
      v.missed_text += fmt::format("{}{} {} {} {}", v.missed_text.empty() ? "" : ", ", r.metric_text,
                                   value   ? fmt::format("{:.1f} is not", *value)
                                   : stale ? "is stale, not"
                                           : "is unknown, not",
                                   to_string(r.op), r.value_text);
      if (!value) {
        v.blind_text += fmt::format("{}{} is {}", v.blind_text.empty() ? "" : ", ", r.metric_text,
                                    stale ? "stale" : "unknown");
      }
    }
  }
  return v;
}

}  // namespace

RulesPolicy::RulesPolicy(RulesSpec rules, int scale_up_by, int scale_down_by)
    : rules_(std::move(rules)), scale_up_by_(scale_up_by), scale_down_by_(scale_down_by) {}

bool RulesPolicy::first_sign(const Situation& in) const {
  return in.replicas.current > 0 && judge(rules_.scale_up_when, "", "", in.window).any;
}

std::string RulesPolicy::blind(const Observation& window) const {
  return judge(rules_.scale_up_when, "", "", window).blind_text;
}

Recommendation RulesPolicy::recommend(const Situation& in) {
  Recommendation out;
  out.wanted = in.replicas.current;
  auto up = judge(rules_.scale_up_when, "scale_up_when", " or ", in.window);
  if (up.any) {
    // A step is one from a pool that runs; at zero, the bounds and the wake bring the first replica.
    if (in.replicas.current > 0) out.wanted += scale_up_by_;
    out.reason = std::move(up.matched_text);
    out.matched_rules = std::move(up.matched);
    return out;
  }
  auto down = judge(rules_.scale_down_when, "scale_down_when", " and ", in.window);
  if (down.all && !up.blind_text.empty()) {
    out.matched_rules = std::move(down.matched);
    out.reason =
        fmt::format("{}; but {}, and a rule of scale_up_when may hold", down.matched_text, up.blind_text);
    return out;
  }
  if (down.all) {
    out.wanted -= scale_down_by_;
    out.reason = std::move(down.matched_text);
    out.matched_rules = std::move(down.matched);
    return out;
  }
  out.matched_rules = std::move(down.matched);
  out.reason = "no rule to act on";
  if (!up.missed_text.empty()) out.reason += "; up: " + up.missed_text;
  if (!down.missed_text.empty()) out.reason += "; down: " + down.missed_text;
  return out;
}

}  // namespace docktor
