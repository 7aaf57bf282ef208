#include "sim/worker_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/worker_habits.h"

namespace docktor::sim {
namespace {

using Set = void (*)(World&, double);

constexpr std::array<std::pair<std::string_view, Set>, 11> kSetters = {{
    {"poll", [](World& w, double v) { w.worker.poll = v; }},
    {"seen_late", [](World& w, double v) { w.worker.seen_late = v; }},
    {"fetch", [](World& w, double v) { w.worker.fetch = static_cast<int>(v); }},
    {"prefetch", [](World& w, double v) { w.worker.prefetch = static_cast<int>(v); }},
    {"cv", [](World& w, double v) { w.worker.service_cv = v; }},
    {"warm_up", [](World& w, double v) { w.worker.warm_up = v; }},
    {"crash", [](World& w, double v) { w.faults.crash_per_hour = v; }},
    {"shared", [](World& w, double v) { w.worker.bottleneck = static_cast<int>(v); }},
    {"ready_late", [](World& w, double v) { w.worker.ready_late = v; }},
    {"ready_early", [](World& w, double v) { w.worker.ready_early = v; }},
    {"uneven", [](World& w, double v) { w.worker.speed_cv = v; }},
}};

}  // namespace

Result<void> set_worker(World& world, std::string_view name, std::string_view value) {
  const auto v = habit_value(name, value);
  if (!v) return tl::unexpected(v.error());
  const auto* setter = std::ranges::find(kSetters, name, &std::pair<std::string_view, Set>::first);
  if (setter == kSetters.end())
    return fail(ErrorCode::kInternal, fmt::format("nothing is simulated of a worker's {}", name));
  setter->second(world, *v);
  return {};
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
                  fmt::format("'{}' is not NAME=VALUE; a worker has {}", part, habits_shown()));
    }
    if (auto r = set_worker(world, part.substr(0, equals), part.substr(equals + 1)); !r) return r;
  }
  return {};
}

}  // namespace docktor::sim
