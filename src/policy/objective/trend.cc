#include "policy/objective/trend.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kLine = 1.5;           // times as long as an order looks ahead; a longer one sees turns late
constexpr double kLeastLine = 20;       // seconds
constexpr double kProof = 0.5;          // of the level's squared error
constexpr double kRefuted = 0.8;        // and no more than that, once it is followed
constexpr double kMemoryAhead = 2;      // times as long as an order looks ahead
constexpr double kLeastEvidence = 0.5;  // likewise

}  // namespace

void Trend::add(const Arrivals& arrivals, double ahead) {
  proven_ = next_proven_;
  if (!arrivals.known()) return;
  const Slot& newest = arrivals.slots().back();
  if (!said_.empty() && said_.back().of - seconds(2 * ahead) > newest.end) said_.clear();  // a clock set back

  const double length = to_seconds(newest.length);
  std::optional<Said> said;
  for (; !said_.empty() && said_.front().of <= newest.end; said_.pop_front()) said = said_.front();
  if (said) {
    const double level = arrivals.level();
    const double keep = std::exp(-length / (kMemoryAhead * ahead));
    const auto learn = [&](double& error, double forecast) {
      error = keep * error + length * (level - forecast) * (level - forecast);
    };
    learn(line_error_, said->forecast);
    learn(level_error_, said->level);
    judged_ = keep * judged_ + length;
    const double bar = proven_ ? kRefuted : kProof;
    next_proven_ = judged_ >= kLeastEvidence * ahead && line_error_ < bar * level_error_;
    misses_.push_back({said->forecast, newest.count / length, length});
    if (misses_.size() > Arrivals::kMaxSlots) misses_.pop_front();
  }

  draw_line(arrivals.slots(), std::max(kLeastLine, kLine * ahead));
  said_.push_back({newest.end + seconds(ahead), arrivals.level(), std::max(arrivals.level(), rate(ahead))});
  if (said_.size() > kMaxSaid) said_.pop_front();
}

void Trend::draw_line(const std::deque<Slot>& slots, double length) {
  const Time end = slots.back().end;
  double n = 0, t = 0, tt = 0, y = 0, ty = 0;  // sums, weighted by the samples' lengths
  for (auto it = slots.rbegin(); it != slots.rend() && n < length; ++it) {
    const double l = to_seconds(it->length), at = to_seconds(it->end - end) - l / 2;
    n += l;
    t += l * at;
    tt += l * at * at;
    y += it->count;
    ty += it->count * at;
  }
  const double spread = n * tt - t * t;
  // A line through less says more of chance than of growth.
  slope_ = n < 0.8 * length || !(spread > 0) ? 0 : (n * ty - t * y) / spread;
  at_end_ = n > 0 ? (y - slope_ * t) / n : 0;
}

double Trend::rate(double ahead) const { return std::max(0.0, at_end_ + std::max(0.0, slope_) * ahead); }

void Trend::save(nlohmann::json& state) const {
  state = {{"line", {at_end_, slope_}},
           {"errors", {line_error_, level_error_, judged_}},
           {"proven", {proven_, next_proven_}}};
  auto& said = state["said"] = nlohmann::json::array();
  for (const Said& s : said_) said.push_back({saved(s.of), s.level, s.forecast});
  auto& misses = state["misses"] = nlohmann::json::array();
  for (const Miss& m : misses_) misses.push_back({m.forecast, m.came, m.length});
}

void Trend::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  Trend read;
  bool whole = true;
  const auto list = [&](const char* key, std::size_t most) {
    const auto it = state.find(key);
    whole = whole && it != state.end() && it->is_array() && it->size() <= most;
    return whole ? *it : nlohmann::json::array();
  };
  const auto number = [&](const nlohmann::json& row, std::size_t i, double least = 0) {
    double v = NAN;
    if (row.is_array() && row.size() > i) restore_number(row[i], least, 1e36, v);
    whole = whole && !std::isnan(v);
    return v;
  };
  const auto line = list("line", 2), errors = list("errors", 3), proven = list("proven", 2);
  read.at_end_ = number(line, 0, -1e36);
  read.slope_ = number(line, 1, -1e36);
  read.line_error_ = number(errors, 0);
  read.level_error_ = number(errors, 1);
  read.judged_ = number(errors, 2);
  for (const auto& row : list("said", kMaxSaid)) {
    const auto of = row.is_array() && !row.empty() ? restored_time(row[0]) : std::nullopt;
    whole = whole && of;
    read.said_.push_back({of.value_or(Time{}), number(row, 1), number(row, 2)});
  }
  for (const auto& row : list("misses", Arrivals::kMaxSlots))
    read.misses_.push_back({number(row, 0), number(row, 1), number(row, 2)});
  whole = whole && proven.size() == 2 && proven[0].is_boolean() && proven[1].is_boolean();
  if (!whole) return;
  read.proven_ = proven[0];
  read.next_proven_ = proven[1];
  *this = std::move(read);
}

}  // namespace docktor::objective
