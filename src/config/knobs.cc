#include "config/knobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "core/time.h"

namespace docktor {

namespace {

std::string number(double v) {
  return v == static_cast<double>(static_cast<long long>(v)) && std::abs(v) < 1e9 ? fmt::format("{:.0f}", v)
                                                                                  : fmt::format("{:g}", v);
}

}  // namespace

const Knob* find_knob(Form form, std::string_view key) {
  const auto it =
      std::ranges::find_if(knobs(), [&](const Knob& k) { return (k.forms & form) != 0 && k.key == key; });
  return it == knobs().end() ? nullptr : &*it;
}

std::vector<std::string_view> keys_of(Form form) {
  std::vector<std::string_view> keys;
  for (const auto& k : knobs()) {
    if ((k.forms & form) == 0) continue;
    keys.push_back(k.key);
    if (!k.file_key.empty()) keys.push_back(k.file_key);
  }
  return keys;
}

std::string_view path_of(Form form) {
  switch (form) {
    case kTop:
      return "";
    case kScaling:
      return "scaling.";
    case kService:
      return "services[].";
    case kRules:
      return "services[].rules.";
    case kRule:
      return "services[].rules.*[].";
    case kObjective:
      return "services[].objective.";
    case kQueue:
      return "services[].queue.";
    case kTls:
      return "services[].queue.tls.";
    case kTarget:
      return "services[].target.";
    case kLlm:
      return "llm.";
  }
  return "";
}

std::string_view title_of(Form form) {
  switch (form) {
    case kTop:
      return "the configuration";
    case kScaling:
      return "scaling";
    case kService:
      return "a service";
    case kRules:
      return "rules";
    case kRule:
      return "a rule";
    case kObjective:
      return "objective";
    case kQueue:
      return "queue";
    case kTls:
      return "tls";
    case kTarget:
      return "target";
    case kLlm:
      return "llm";
  }
  return "";
}

std::vector<std::string_view> choices_of(const Knob& knob) {
  std::vector<std::string_view> out;
  auto rest = knob.choices;
  while (!rest.empty()) {
    const auto bar = rest.find('|');
    out.push_back(rest.substr(0, bar));
    rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
  }
  return out;
}

std::string allowed(const Knob& knob) {
  if (!knob.choices.empty()) return fmt::format("{}", fmt::join(choices_of(knob), ", "));
  const auto length = [&](std::string_view unit) {
    return knob.least == 0 ? fmt::format("at most {} {}", number(knob.most), unit)
                           : fmt::format("{} to {} {}", number(knob.least), number(knob.most), unit);
  };
  switch (knob.type) {
    case KnobType::kInteger:
      return fmt::format("a whole number from {} to {}", number(knob.least), number(knob.most));
    case KnobType::kNumber:
      if (knob.most >= 1e15) return "a number";
      return fmt::format("a number from {} to {}", number(knob.least), number(knob.most));
    case KnobType::kDuration:
      return fmt::format("a duration from {} to {}",
                         knob.least == 0 ? "0s" : short_duration(seconds(knob.least)),
                         short_duration(seconds(knob.most)));
    case KnobType::kBool:
      return "true, false";
    case KnobType::kText:
      return fmt::format("a text of {}", length("characters"));
    case KnobType::kPath:
      return "a path";
    case KnobType::kList:
      return fmt::format("a list of {}", length("texts"));
    case KnobType::kCommand:
      return "a list of program and arguments, or one text for /bin/sh -c";
    case KnobType::kPairs:
      return "a map of NAME: value, or a list of NAME=value";
    case KnobType::kSection:
      return "a map";
    case KnobType::kSections:
      return fmt::format("a list of {}", length("maps"));
  }
  return {};
}

}  // namespace docktor
