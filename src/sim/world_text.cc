#include "sim/world_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "core/text.h"

namespace docktor::sim {
namespace {

struct Habit {
  std::string_view name;
  std::string_view unit;
  double least, most;
  void (*set)(World&, double);
};

constexpr std::array kHabits = {
    Habit{"lose-sample", "SHARE", 0, 1, [](World& w, double v) { w.faults.lose_sample = v; }},
    Habit{"sample-delay", "SECONDS", 0, 3600, [](World& w, double v) { w.faults.sample_delay = v; }},
    Habit{"sample-jitter", "SECONDS", 0, 3600, [](World& w, double v) { w.faults.sample_delay_jitter = v; }},
    Habit{"crash", "PER-REPLICA-HOUR", 0, 3600, [](World& w, double v) { w.faults.crash_per_hour = v; }},
    Habit{"ack-wait", "SECONDS", 0.1, 86400, [](World& w, double v) { w.faults.ack_wait = v; }},
    Habit{"reset", "PER-HOUR", 0, 3600, [](World& w, double v) { w.faults.reset_per_hour = v; }},
    Habit{"fail-start", "SHARE", 0, 1, [](World& w, double v) { w.faults.fail_start = v; }},
    Habit{"bottleneck", "REPLICAS", 0, 1e6,
          [](World& w, double v) { w.worker.bottleneck = static_cast<int>(v); }},
    Habit{"uneven", "CV", 0, 3, [](World& w, double v) { w.worker.speed_cv = v; }},
    Habit{"drift", "SHARE", 0, 0.95, [](World& w, double v) { w.worker.drift = v; }},
};

std::optional<double> number(std::string_view text) {
  double v = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), v);
  if (r.ec != std::errc() || r.ptr != text.data() + text.size()) return std::nullopt;
  return v;
}

}  // namespace

std::string fault_names() {
  std::string all;
  for (const Habit& h : kHabits) all += fmt::format("{}={}, ", h.name, h.unit);
  return all + "blackout=FROM+SECONDS";
}

Result<void> set_fault(World& world, std::string_view text) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  if (name == "blackout") {
    const auto plus = value.find('+');
    const auto from = number(value.substr(0, plus));
    const auto length = plus == std::string_view::npos ? std::nullopt : number(value.substr(plus + 1));
    if (!from || !length || !(*from >= 0) || !(*length >= 0) || *from > 1e9 || *length > 1e9)
      return fail(ErrorCode::kInvalid,
                  fmt::format("--fault {}: write blackout=600+60 (from second 600 on, 60 long)", text));
    world.faults.blackout_at = *from;
    world.faults.blackout_length = *length;
    return {};
  }
  for (const Habit& h : kHabits) {
    if (h.name != name) continue;
    const auto v = number(value);
    if (!v || !(*v >= h.least) || !(*v <= h.most))
      return fail(ErrorCode::kInvalid,
                  fmt::format("--fault {}: {} is a number from {:g} to {:g}", text, h.name, h.least, h.most));
    h.set(world, *v);
    return {};
  }
  std::vector<std::string_view> names{"blackout"};
  for (const Habit& h : kHabits) names.push_back(h.name);
  const auto near = did_you_mean(name, names);
  return fail(ErrorCode::kInvalid, fmt::format("--fault {}: there is {}{}", text, fault_names(),
                                               near ? fmt::format("; did you mean '{}'?", *near) : ""));
}

}  // namespace docktor::sim
