#include "sim/worker_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "core/text.h"

namespace docktor::sim {
namespace {

enum class Form { kSeconds, kNumber, kPerHour };

struct Habit {
  std::string_view name;
  std::string_view form_shown;
  Form form;
  double min, max;
  void (*set)(World&, double);
};

constexpr std::array kHabits = {
    Habit{"poll", "500ms", Form::kSeconds, 0, 3600, [](World& w, double v) { w.worker.poll = v; }},
    Habit{"seen_late", "500ms", Form::kSeconds, 0, 3600, [](World& w, double v) { w.worker.seen_late = v; }},
    Habit{"fetch", "100", Form::kNumber, 1, 1e5,
          [](World& w, double v) { w.worker.fetch = static_cast<int>(v); }},
    Habit{"prefetch", "10", Form::kNumber, 1, 1e5,
          [](World& w, double v) { w.worker.prefetch = static_cast<int>(v); }},
    Habit{"cv", "3", Form::kNumber, 0, 10, [](World& w, double v) { w.worker.service_cv = v; }},
    Habit{"warm_up", "30s", Form::kSeconds, 0, 3600, [](World& w, double v) { w.worker.warm_up = v; }},
    Habit{"crash", "4/h", Form::kPerHour, 0, 3600, [](World& w, double v) { w.faults.crash_per_hour = v; }},
    Habit{"shared", "10", Form::kNumber, 0, 1e6,
          [](World& w, double v) { w.worker.bottleneck = static_cast<int>(v); }},
    Habit{"ready_late", "2s", Form::kSeconds, 0, 3600, [](World& w, double v) { w.worker.ready_late = v; }},
    Habit{"ready_early", "10s", Form::kSeconds, 0, 3600,
          [](World& w, double v) { w.worker.ready_early = v; }},
    Habit{"uneven", "0.4", Form::kNumber, 0, 3, [](World& w, double v) { w.worker.speed_cv = v; }},
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

std::string worker_names() {
  std::string all;
  for (const Habit& h : kHabits) all += fmt::format("{}{}={}", all.empty() ? "" : ", ", h.name, h.form_shown);
  return all;
}

Result<void> set_worker(World& world, std::string_view name, std::string_view value) {
  std::vector<std::string_view> names;
  for (const Habit& h : kHabits) {
    names.push_back(h.name);
    if (h.name != name) continue;
    const auto v = value_of(h.form, value);
    if (!v || !(*v >= h.min) || !(*v <= h.max)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}={} is not valid: write it like {}={}, from {:g} to {:g}{}", name, value,
                              name, h.form_shown, h.min, h.max, h.form == Form::kSeconds ? " seconds" : ""));
    }
    h.set(world, *v);
    return {};
  }
  const auto near = did_you_mean(name, names);
  return fail(ErrorCode::kInvalid,
              fmt::format("a worker has no '{}'{}; it has {}", name,
                          near ? fmt::format(", did you mean '{}'?", *near) : "", worker_names()));
}

Result<void> set_workers(World& world, std::string_view text) {
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("'{}' is not NAME=VALUE; a worker has {}", part, worker_names()));
    }
    if (auto r = set_worker(world, part.substr(0, equals), part.substr(equals + 1)); !r) return r;
  }
  return {};
}

}  // namespace docktor::sim
