#include "core/worker_habits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/text.h"

namespace docktor {
namespace {

enum class Form { kSeconds, kNumber, kPerHour };

struct Habit {
  std::string_view name;
  std::string_view form_shown;
  Form form;
  double min, max;
};

constexpr std::array kHabits = {
    Habit{"poll", "500ms", Form::kSeconds, 0, 3600},
    Habit{"seen_late", "500ms", Form::kSeconds, 0, 3600},
    Habit{"fetch", "100", Form::kNumber, 1, 1e5},
    Habit{"prefetch", "10", Form::kNumber, 1, 1e5},
    Habit{"cv", "3", Form::kNumber, 0, 10},
    Habit{"warm_up", "30s", Form::kSeconds, 0, 3600},
    Habit{"crash", "4/h", Form::kPerHour, 0, 3600},
    Habit{"shared", "10", Form::kNumber, 0, 1e6},
    Habit{"ready_late", "2s", Form::kSeconds, 0, 3600},
    Habit{"ready_early", "10s", Form::kSeconds, 0, 3600},
    Habit{"uneven", "0.4", Form::kNumber, 0, 3},
};

std::optional<double> value_of(Form form, std::string_view text) {
  if (form == Form::kSeconds) {
    for (const auto& [unit, factor] :
         {std::pair<std::string_view, double>{"ms", 0.001}, {"s", 1}, {"m", 60}}) {
      if (!text.ends_with(unit)) continue;
      text.remove_suffix(unit.size());
      const auto v = value_of(Form::kNumber, text);
      return v ? std::optional(*v * factor) : std::nullopt;
    }
  }
  if (form == Form::kPerHour && text.ends_with("/h")) text.remove_suffix(2);
  double v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  if (r.ec != std::errc() || r.ptr != text.data() + text.size()) return std::nullopt;
  return v;
}

}  // namespace

std::vector<std::string_view> habit_names() {
  std::vector<std::string_view> names;
  for (const Habit& h : kHabits) names.push_back(h.name);
  return names;
}

std::string habits_shown() {
  std::string all;
  for (const Habit& h : kHabits) all += fmt::format("{}{}={}", all.empty() ? "" : ", ", h.name, h.form_shown);
  return all;
}

Result<double> habit_value(std::string_view name, std::string_view text) {
  const auto* h = std::ranges::find(kHabits, name, &Habit::name);
  if (h == kHabits.end()) {
    const auto near = did_you_mean(name, habit_names());
    return fail(ErrorCode::kInvalid,
                fmt::format("a worker has no '{}'{}; it has {}", name,
                            near ? fmt::format(", did you mean '{}'?", *near) : "", habits_shown()));
  }
  const auto v = value_of(h->form, text);
  if (v && *v >= h->min && *v <= h->max) return *v;
  return fail(ErrorCode::kInvalid,
              fmt::format("{}={} is not valid: write it like {}={}, from {:g} to {:g}{}", name, text, name,
                          h->form_shown, h->min, h->max, h->form == Form::kSeconds ? " seconds" : ""));
}

}  // namespace docktor
