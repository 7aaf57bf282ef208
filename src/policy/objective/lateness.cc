#include "policy/objective/lateness.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kLatenessSeconds = 4 * 3600;
constexpr double kPriorChance = 0.5;  // of a surprise to be late, before any was seen
constexpr double kPriorWeight = 3;    // that belief counts for so many times the share that may be late

}  // namespace

void Lateness::add(double came, double late, bool beyond, double length) {
  const double keep = std::exp(-length / kLatenessSeconds);
  came_ = (came_ + next_came_) * keep;
  late_ = (late_ + next_late_) * keep;
  beyond_ = (beyond_ + next_beyond_) * keep;
  next_came_ = came;
  next_late_ = late;
  next_beyond_ = beyond ? came : 0;
}

double Lateness::chance(double share) const {
  const double weight = kPriorWeight * share * came_;
  if (!(weight > 0)) return kPriorChance;
  return std::min(1.0, (late_ + kPriorChance * weight) / (beyond_ + weight));
}

double Lateness::allowed(double share) const { return std::clamp(share / chance(share), share, 1.0); }

void Lateness::save(nlohmann::json& state) const {
  state = {{"came", came_},
           {"late", late_},
           {"beyond", beyond_},
           {"next", {next_came_, next_late_, next_beyond_}}};
}

void Lateness::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  restore_number(state, "came", 0, 1e18, came_);
  restore_number(state, "late", 0, 1e18, late_);
  restore_number(state, "beyond", 0, 1e18, beyond_);
  const auto next = state.find("next");
  if (next == state.end() || !next->is_array() || next->size() != 3) return;
  restore_number((*next)[0], 0, 1e18, next_came_);
  restore_number((*next)[1], 0, 1e18, next_late_);
  restore_number((*next)[2], 0, 1e18, next_beyond_);
}

double late_of(const std::vector<Waiting>& queued, double begun, double length, double most) {
  if (!(begun > 0)) return 0;
  double late = 0, before = 0;
  for (const Waiting& w : queued) {
    const double count = std::min(w.count, begun - before);
    if (count <= 0) break;
    const double newest = w.oldest + (w.newest - w.oldest) * count / w.count;
    // Waits of the first and the last of them; between them they change evenly.
    const double first = w.oldest - length * (1 - before / begun);
    const double last = newest - length * (1 - (before + count) / begun);
    const double longest = std::max(first, last), least = std::min(first, last);
    if (least > most)
      late += count;
    else if (longest > most)
      late += count * (longest - most) / (longest - least);
    before += count;
  }
  return late;
}

}  // namespace docktor::objective
