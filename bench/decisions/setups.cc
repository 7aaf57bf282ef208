#include "bench/decisions/setups.h"

#include <fmt/format.h>

#include <algorithm>

namespace docktor::bench {
namespace {

constexpr double kTraceCapacity = 20;  // what the traces were scaled for

// How much of a load the grid can afford: about so many messages, within these seconds.
struct Part {
  double messages, shortest, longest;
};
constexpr Part kJudged{1e6, 1800, 10'800}, kTuning{0.5e6, 900, 3600};

Result<std::vector<sim::Load>> traces(const std::filesystem::path& root) {
  std::vector<sim::Load> loads;
  for (const char* name :
       {"worldcup-0610", "taxi", "ramp", "azure-conv", "square", "elb", "lbspikes", "seed-burst"}) {
    auto load = sim::load_from_file((root / "bench/traces" / name).string() + ".csv");
    if (!load) return tl::unexpected(load.error());
    loads.push_back(std::move(*load));
  }
  return loads;
}

// Kinds as among the traces, but other loads: what a careful user would try his setting on.
Result<std::vector<sim::Load>> shapes(double peak) {
  std::vector<sim::Load> loads;
  for (const char* name : {"walk", "onoff", "noisy", "bursts"}) {
    auto load = sim::built_in_load(fmt::format("{}:{}", name, peak), 1);
    if (!load) return tl::unexpected(load.error());
    load->name = name;
    loads.push_back(std::move(*load));
  }
  return loads;
}

// The part around the peak.
sim::Load cut(const sim::Load& load, double factor, const Part& part) {
  const double whole = load.length(), rate = load.messages() * factor / whole;
  const double length = std::min(whole, std::clamp(part.messages / rate, part.shortest, part.longest));
  double at = 0;
  for (const sim::Row& row : load.rows) {
    if (row.rate == load.peak()) {
      at = row.at;
      break;
    }
  }
  return sim::part_of(load, std::clamp(at - length / 2, 0.0, whole - length), length, factor);
}

}  // namespace

double Setup::work(std::size_t load_number) const {
  const sim::Load& l = load(load_number);
  return l.messages() / l.length() / capacity;
}

Result<std::vector<Setup>> trace_setups(const std::filesystem::path& root) {
  const auto judged = traces(root);
  if (!judged) return tl::unexpected(judged.error());
  const auto tuning = shapes(20 * kTraceCapacity);
  if (!tuning) return tl::unexpected(tuning.error());
  return std::vector<Setup>{{.name = "3s",
                             .max_wait = 5,
                             .start_up = 3,
                             .start_up_deviation = 0.75,
                             .judged = *judged,
                             .tuning = *tuning},
                            {.name = "10s",
                             .max_wait = 15,
                             .start_up = 10,
                             .start_up_deviation = 2.5,
                             .judged = *judged,
                             .tuning = *tuning}};
}

Result<std::vector<Setup>> grid_setups(const std::filesystem::path& root) {
  const auto all = traces(root);
  if (!all) return tl::unexpected(all.error());
  std::vector<Setup> setups;
  for (const double capacity : {0.02, 0.2, 2.0, 20.0, 200.0}) {
    // The fastest have half as many replicas: the same messages last twice as long.
    const double share = capacity > 100 ? 0.5 : 1;
    const auto made = shapes(20 * share * capacity);
    if (!made) return tl::unexpected(made.error());
    Setup s{.capacity = capacity, .ready = true};
    for (const auto& load : *all) s.judged.push_back(cut(load, share * capacity / kTraceCapacity, kJudged));
    for (const auto& load : *made) s.tuning.push_back(cut(load, 1, kTuning));
    for (const double start_up : {1.0, 10.0, 60.0}) {
      for (const double max_wait : {1.0, 10.0, 60.0}) {
        s.name = fmt::format("c{:g}-s{:g}-w{:g}", capacity, start_up, max_wait);
        s.start_up = start_up;
        s.start_up_deviation = start_up / 4;
        s.max_wait = max_wait;
        setups.push_back(s);
      }
    }
  }
  return setups;
}

}  // namespace docktor::bench
