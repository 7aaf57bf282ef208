#include "core/spec.h"

#include <algorithm>

namespace docktor {

std::string_view to_string(Op op) {
  switch (op) {
    case Op::kGreater:
      return ">";
    case Op::kGreaterEqual:
      return ">=";
    case Op::kLess:
      return "<";
    case Op::kLessEqual:
      return "<=";
    case Op::kEqual:
      return "==";
    case Op::kNotEqual:
      return "!=";
  }
  return "?";
}

std::string_view to_string(LlmMode mode) {
  switch (mode) {
    case LlmMode::kOff:
      return "off";
    case LlmMode::kExplain:
      return "explain";
    case LlmMode::kAdvise:
      return "advise";
  }
  return "?";
}

bool holds(double value, Op op, double threshold) {
  switch (op) {
    case Op::kGreater:
      return value > threshold;
    case Op::kGreaterEqual:
      return value >= threshold;
    case Op::kLess:
      return value < threshold;
    case Op::kLessEqual:
      return value <= threshold;
    case Op::kEqual:
      return value == threshold;
    case Op::kNotEqual:
      return value != threshold;
  }
  return false;
}

bool ServiceSpec::uses_cpu() const {
  if (!rules) return false;
  const auto cpu = [](const Rule& r) { return !is_queue(r.metric); };
  return std::ranges::any_of(rules->scale_up_when, cpu) || std::ranges::any_of(rules->scale_down_when, cpu);
}

bool ServiceSpec::uses_one_queue() const {
  if (!rules) return false;
  const auto one = [](const Rule& r) { return !r.queue.empty(); };
  return std::ranges::any_of(rules->scale_up_when, one) || std::ranges::any_of(rules->scale_down_when, one);
}

}  // namespace docktor
