#include "policy/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text.h"

namespace docktor {
namespace {

struct Verdict {
  bool any = false;
  bool all = false;
  std::vector<MatchedRule> matched;
  std::string matched_text;  // "queue.backlog 1500.0 > 500", joined
  std::vector<const Rule*> missed;
  std::string blind_text;  // the rules that cannot be judged
};

bool is_stale(const Rule& r, const Observation& all) {
  const Observation* o = r.queue.empty() ? &all : all.part(r.queue);
  return o && (is_queue(r.metric) ? o->queue_stale : o->usage_stale);
}

std::optional<double> seen(const Rule& r, const Observation& all) {
  const Observation* o = r.queue.empty() ? &all : all.part(r.queue);
  return !o || is_stale(r, all) ? std::nullopt : o->get(r.metric);
}

Verdict judge(const std::vector<Rule>& rules, const char* when, const char* join, const Observation& o) {
  Verdict v;
  v.all = !rules.empty();
  for (const Rule& r : rules) {
    const auto value = seen(r, o);
    if (value && holds(*value, r.op, r.value)) {
      v.any = true;
      v.matched.push_back({when, r, *value});
      v.matched_text += fmt::format("{}{} {} {} {}", v.matched_text.empty() ? "" : join, r.metric_text,
                                    number_beside(*value, r.value, 1), to_string(r.op), r.value_text);
    } else {
      v.all = false;
      v.missed.push_back(&r);
      if (!value) {
        v.blind_text += fmt::format("{}{} is {}", v.blind_text.empty() ? "" : ", ", r.metric_text,
                                    is_stale(r, o) ? "stale" : "unknown");
      }
    }
  }
  return v;
}

std::string_view in_words(Op op) {
  switch (op) {
    case Op::kGreater:
      return "above";
    case Op::kGreaterEqual:
      return "from";
    case Op::kLess:
      return "below";
    case Op::kLessEqual:
      return "at most";
    case Op::kEqual:
      return "at";
    case Op::kNotEqual:
      return "other than";
  }
  return "";
}

// "backlog 0 (up above 500), rate_in 100 (up above 200, down below 150)": each metric once, with what it
// would take.
std::string missed_text(const std::vector<const Rule*>& up, const std::vector<const Rule*>& down,
                        const Observation& o) {
  struct Line {
    std::string name, value, takes;
  };
  std::vector<Line> lines;
  const auto add = [&](const std::vector<const Rule*>& rules, std::string_view way) {
    for (const Rule* r : rules) {
      std::string_view name = r->metric_text;
      if (name.starts_with("queue.")) name.remove_prefix(std::string_view("queue.").size());
      auto at = std::ranges::find(lines, name, &Line::name);
      if (at == lines.end()) at = lines.insert(at, {std::string(name), {}, {}});
      const auto value = seen(*r, o);
      if (!value) at->value = is_stale(*r, o) ? "stale" : "unknown";
      // Three digits, or as many more as show on which side of each threshold the value lies.
      for (const auto& shown :
           {value ? short_number(*value) : "", value ? number_beside(*value, r->value) : ""}) {
        if (shown.size() > at->value.size()) at->value = shown;
      }
      at->takes +=
          fmt::format("{}{} {} {}", at->takes.empty() ? "" : ", ", way, in_words(r->op), r->value_text);
    }
  };
  add(up, "up");
  add(down, "down");
  std::string text;
  for (const Line& l : lines)
    text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", l.name, l.value, l.takes);
  return text;
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
  out.reason = "no rule matched";
  if (const auto text = missed_text(up.missed, down.missed, in.window); !text.empty())
    out.reason += ": " + text;
  return out;
}

}  // namespace docktor
