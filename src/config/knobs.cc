#include "config/knobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/text.h"
#include "core/time.h"

namespace docktor {

namespace {

std::string number_text(double v) {
  return v == static_cast<double>(static_cast<long long>(v)) && std::abs(v) < 1e9 ? fmt::format("{:.0f}", v)
                                                                                  : fmt::format("{:g}", v);
}

}  // namespace

const Knob* KnobTable::find(std::string_view key) const {
  const auto it = std::ranges::find_if(knobs, [&](const Knob* k) { return k->key == key; });
  return it == knobs.end() ? nullptr : *it;
}

std::vector<std::string_view> KnobTable::keys() const {
  std::vector<std::string_view> keys;
  for (const auto* k : knobs) {
    keys.push_back(k->key);
    if (!k->file_key.empty()) keys.push_back(k->file_key);
  }
  return keys;
}

namespace {

std::pair<std::string_view, std::string_view> path_and_title(Form form) {
  switch (form) {
    case kTop:
      return {"", "the configuration"};
    case kScaling:
      return {"scaling.", "scaling"};
    case kService:
      return {"services[].", "a service"};
    case kRules:
      return {"services[].rules.", "rules"};
    case kRule:
      return {"services[].rules.*[].", "a rule"};
    case kObjective:
      return {"services[].objective.", "objective"};
    case kLlm:
      return {"llm.", "llm"};
    case kHttp:
      return {"http.", "http"};
    case kHttpToken:
      return {"http.tokens[].", "a token"};
    case kSchedule:
      return {"services[].schedule[].", "an entry of schedule"};
    case kHighAvailability:
      return {"high_availability.", "high_availability"};
    case kNotification:
      return {"notifications[].", "a notification"};
    case kHost:
      return {"host.", "host"};
  }
  return {};
}

}  // namespace

KnobTable table_of(Form form) {
  const auto [path, title] = path_and_title(form);
  KnobTable table{.path = std::string(path), .title = std::string(title), .takes_extensions = form == kTop};
  for (const auto& k : knobs()) {
    if ((k.forms & form) != 0) table.knobs.push_back(&k);
  }
  return table;
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
    return knob.least == 0
               ? fmt::format("at most {} {}", number_text(knob.most), unit)
               : fmt::format("{} to {} {}", number_text(knob.least), number_text(knob.most), unit);
  };
  switch (knob.type) {
    case KnobType::kInteger:
      return fmt::format("a whole number from {} to {}", number_text(knob.least), number_text(knob.most));
    case KnobType::kNumber:
      if (knob.most >= 1e15) return "a number";
      return fmt::format("a number from {} to {}", number_text(knob.least), number_text(knob.most));
    case KnobType::kPercent:
      return fmt::format("a percentage from {}% to {}%", number_text(knob.least), number_text(knob.most));
    case KnobType::kDuration:
      return fmt::format("a duration from {} to {}",
                         knob.least == 0 ? "0s" : short_duration(seconds(knob.least)),
                         short_duration(seconds(knob.most)));
    case KnobType::kBool:
      return "true, false";
    case KnobType::kText:
    case KnobType::kUrl:
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
