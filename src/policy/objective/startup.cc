#include "policy/objective/startup.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kPriorWeight = 1;
constexpr double kMemoryStarts = 60;     // starts
constexpr double kOffsetMemory = 12;     // starts
constexpr double kOffsetPrior = 0.5;     // starts that none is worth
constexpr double kYoung = 60;            // seconds
constexpr double kLeastWait = 30;        // seconds that a ready replica may take nothing, at least ...
constexpr double kStartsWait = 3;        // ... and so many starts
constexpr double kOffsetOfNoise = 0.25;  // seconds: less is within a sample's blur

std::size_t bounded(int n) {
  return static_cast<std::size_t>(std::clamp(n, 0, static_cast<int>(StartUp::kMaxStarting)));
}

}  // namespace

double StartUp::offset() const { return std::fabs(offset_) > kOffsetOfNoise ? offset_ : 0; }

double StartUp::mean() const { return std::max(0.0, ready_ + offset()); }

double StartUp::deviation() const { return std::sqrt(std::max(variance_, 1e-4)); }

double StartUp::longest_wait() const { return std::max(kLeastWait, kStartsWait * mean()); }

void StartUp::learn_ready(double delay) {
  seen_ = std::min(seen_ + 1, kMemoryStarts);
  ready_ += (delay - ready_) / (seen_ + kPriorWeight);
}

void StartUp::learn_work(double delay, double blur) {
  // A start is seen only by samples: that blur is not the start's.
  const double error = delay - mean();
  const double gain = 1 / (seen_ + kPriorWeight);
  variance_ += gain * (std::max(0.0, error * error * (1 - gain) - blur * blur / 12) - variance_);
}

void StartUp::learn_offset(double offset) {
  offsets_seen_ = std::min(offsets_seen_ + 1, kOffsetMemory);
  offset_ += (offset - offset_) / (offsets_seen_ + kOffsetPrior);
}

void StartUp::began_to_work(Time at, bool seen) {
  const Coming& c = coming_.front();
  if (!c.ready) early_.push_back(seen ? std::optional(at) : std::nullopt);
  if (c.ready && seen) learn_offset(to_seconds(at - *c.ready));
  young_.push_back(at);
  if (young_.size() > kMaxStarting) young_.pop_front();
  coming_.pop_front();
}

void StartUp::begin(Time at, const ReplicaCounts& now) {
  not_ready_.assign(bounded(now.current - now.ready), at);
  // Those that are ready may have begun a moment ago, and still be busy with it.
  coming_.assign(bounded(now.ready), {at, at});
  for (std::size_t i = 0; i < not_ready_.size() && coming_.size() < kMaxStarting; ++i)
    coming_.push_back({at, std::nullopt});
  young_.clear();
  early_.clear();
}

void StartUp::add(Time before_at, const ReplicaCounts& before, Time at, const ReplicaCounts& after) {
  const double blur = to_seconds(at - before_at);
  if (blur > longest_gap_) {
    begin(at, after);
    if (ordered_at_ && *ordered_at_ < at) ordered_at_.reset();
    return;
  }
  const Time middle = before_at + (at - before_at) / 2;
  const bool ours = ordered_at_ && *ordered_at_ >= before_at && *ordered_at_ <= at;
  const Time since = ours ? *ordered_at_ : middle;
  const auto starts = [&] {
    not_ready_.push_back(since);
    if (coming_.size() < kMaxStarting) coming_.push_back({since, std::nullopt});
  };
  for (int i = before.current; i < after.current && not_ready_.size() < kMaxStarting; ++i) starts();
  // Stops take those that have not begun first, the newest of them.
  for (int i = after.current; i < before.current; ++i) {
    if (!coming_.empty())
      coming_.pop_back();
    else if (!young_.empty())
      young_.pop_back();
  }
  for (int i = before.ready; i < after.ready && !not_ready_.empty(); ++i) {
    const double delay = std::max(0.0, to_seconds(middle - not_ready_.front()));
    learn_ready(delay);
    // One that is known to work already is not among those that come.
    const auto it = std::find_if(coming_.begin(), coming_.end(), [](const Coming& c) { return !c.ready; });
    if (it != coming_.end() && it->ordered <= not_ready_.front()) {
      learn_work(delay + offset(), blur);
      it->ready = middle;
    } else if (!early_.empty()) {
      if (early_.front()) learn_offset(to_seconds(*early_.front() - middle));
      early_.pop_front();
    }
    not_ready_.pop_front();
  }
  const std::size_t left = bounded(after.current - after.ready);
  while (not_ready_.size() > left) not_ready_.pop_back();
  while (early_.size() > left) early_.pop_back();
  // What starts without an order was restarted after a crash, or is somebody else's.
  while (not_ready_.size() < left) starts();
  while (coming_.size() > bounded(after.current)) coming_.pop_back();
  while (!young_.empty() &&
         (to_seconds(at - young_.front()) > kYoung || young_.size() > bounded(after.current)))
    young_.pop_front();
  if (ordered_at_ && *ordered_at_ < at) ordered_at_.reset();
}

void StartUp::works(Time before_at, Time at, std::optional<int> idle) {
  const Time middle = before_at + (at - before_at) / 2;
  const double blur = to_seconds(at - before_at);
  if (idle) {
    while (coming_.size() > bounded(*idle)) {
      learn_work(std::max(0.0, to_seconds(middle - coming_.front().ordered)), blur);
      began_to_work(middle, true);
    }
  } else {
    // Without a backlog nothing shows who works: who should by now is taken to.
    const auto due = [&](const Coming& c) {
      if (!c.ready) return offset() < 0 && to_seconds(at - c.ordered) >= mean();
      return to_seconds(at - *c.ready) >= offset();
    };
    while (!coming_.empty() && due(coming_.front())) began_to_work(at, false);
  }
  // Whoever takes nothing for so long waits for something else than its start.
  while (!coming_.empty() && coming_.front().ready &&
         to_seconds(at - *coming_.front().ready) > longest_wait())
    coming_.pop_front();
}

std::array<double, 3> StartUp::remaining(double age, std::optional<double> ready_for) const {
  // Three points with the distribution's mean and variance; one that is overdue is awaited for a part of its
  // lateness more.
  const double mean_left = ready_for ? std::max(offset(), 0.0) - *ready_for : mean() - age;
  const double spread = 1.2247 * deviation();
  const double overdue = std::max(0.2 * deviation(), 0.25 * std::max(0.0, -mean_left));
  const auto left = [&](double total) { return std::max(total, overdue); };
  return {left(mean_left - std::min(spread, 0.75 * mean())), left(mean_left), left(mean_left + spread)};
}

void StartUp::save(nlohmann::json& state) const {
  state = {{"mean", ready_},
           {"offset", offset_},
           {"variance", variance_},
           {"seen", seen_},
           {"offsets_seen", offsets_seen_}};
  if (ordered_at_) state["ordered_at"] = saved(*ordered_at_);
  auto& list = state["starting"] = nlohmann::json::array();
  for (const Time t : not_ready_) list.push_back(saved(t));
  auto& young = state["young"] = nlohmann::json::array();
  for (const Time t : young_) young.push_back(saved(t));
  auto& early = state["early"] = nlohmann::json::array();
  for (const auto& t : early_) early.push_back(t ? nlohmann::json(saved(*t)) : nlohmann::json());
  auto& coming = state["coming"] = nlohmann::json::array();
  for (const Coming& c : coming_) {
    coming.push_back({saved(c.ordered)});
    if (c.ready) coming.back().push_back(saved(*c.ready));
  }
}

void StartUp::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  restore_number(state, "mean", 0, 1e6, ready_);
  restore_number(state, "lag", 0, 1e6, offset_);  // as version 0.1 called it
  restore_number(state, "offset", -1e6, 1e6, offset_);
  restore_number(state, "variance", 0, 1e12, variance_);
  restore_number(state, "seen", 0, kMemoryStarts, seen_);
  restore_number(state, "offsets_seen", 0, kOffsetMemory, offsets_seen_);
  if (const auto it = state.find("ordered_at"); it != state.end()) ordered_at_ = restored_time(*it);
  const auto list = [&](const char* key, const auto& take) {
    const auto it = state.find(key);
    if (it == state.end() || !it->is_array() || it->size() > kMaxStarting) return;
    for (const auto& v : *it) take(v);
  };
  not_ready_.clear();
  coming_.clear();
  young_.clear();
  list("starting", [&](const nlohmann::json& v) {
    if (const auto t = restored_time(v)) not_ready_.push_back(*t);
  });
  list("young", [&](const nlohmann::json& v) {
    if (const auto t = restored_time(v)) young_.push_back(*t);
  });
  early_.clear();
  list("early", [&](const nlohmann::json& v) { early_.push_back(restored_time(v)); });
  list("coming", [&](const nlohmann::json& v) {
    if (!v.is_array() || v.empty()) return;
    const auto t = restored_time(v[0]);
    if (t) coming_.push_back({*t, v.size() > 1 ? restored_time(v[1]) : std::nullopt});
  });
}

}  // namespace docktor::objective
