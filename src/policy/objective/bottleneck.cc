#include "policy/objective/bottleneck.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/rate_text.h"
#include "policy/objective/reasons.h"
#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kGrowth = 1.2;      // of the replicas, to judge at all
constexpr double kBlur = 0.2;        // of the replicas: when so many joined within a span, it proves nothing
constexpr double kSame = 1.1;        // counts within this factor are one
constexpr double kLeastSeconds = 3;  // of either window, to judge ...
constexpr int kLeastSamples = 3;     // ... so many samples ...
constexpr double kLeastJobs = 3;     // ... and so many times the work for a message
constexpr double kWindowSeconds = 20;  // of these at most
constexpr std::size_t kMaxSamples = 128;
constexpr double kHelped = 0.5;  // of the growth that was due: less is none
constexpr double kErrors = 3;
constexpr double kLeastSpread = 1;
constexpr double kRoom = 1.1;      // replicas kept, over those that the bottleneck keeps busy
constexpr double kNextTry = 1;     // ... and with the next one, where that has helped
constexpr int kHelpsToBeFree = 2;  // tries in a row that help: there is no bottleneck
constexpr double kTry = 0.3;       // more replicas with each try
constexpr double kFewer = 0.8;     // of the replicas: whether fewer carry as much is tried in such steps
constexpr double kUnhindered =
    0.85;  // of what the bottleneck lets through: replicas that did less were not held back
constexpr double kFell = 0.9, kRose = 1.2;  // of the throughput: the belief no longer fits
constexpr double kFirstPause = 15, kLongestPause = 600;
constexpr double kLongestTry = 120;  // seconds, beside the start-up and a few jobs

Duration try_length(const Bottleneck::Workers& workers) {
  return seconds(kLongestTry + 3 * workers.start_up + 4 * kLeastJobs * workers.job);
}

int whole(double n) { return static_cast<int>(std::ceil(std::clamp(n, 0.0, 1e6))); }

}  // namespace

Bottleneck::Window Bottleneck::window(double low, double high, double spread, bool sure,
                                      std::optional<Time> after) const {
  Window w;
  double settled = 0;
  for (auto it = samples_.rbegin(); it != samples_.rend() && w.seconds < kWindowSeconds; ++it) {
    if (after && it->at <= *after) break;
    if (it->replicas < low || it->replicas > high || (sure && !it->sure)) {
      if (w.samples > 0) break;  // older ones say less of the present
      continue;
    }
    w.replicas += it->replicas * it->seconds;
    w.in_hand += it->in_hand * it->seconds;
    settled += it->settled;
    w.seconds += it->seconds;
    ++w.samples;
  }
  if (w.seconds <= 0) return w;
  w.replicas /= w.seconds;
  w.in_hand /= w.seconds;
  w.rate = settled / w.seconds;
  w.error = std::sqrt(std::max(kLeastSpread, spread) * std::max(1.0, settled)) / w.seconds;
  return w;
}

Bottleneck::Verdict Bottleneck::compare(const Window& few, const Window& many, const Workers& workers) const {
  for (const Window* w : {&few, &many}) {
    if (w->samples < kLeastSamples || w->seconds < std::max(kLeastSeconds, kLeastJobs * workers.job))
      return Verdict::kOpen;
  }
  const double growth = many.replicas / few.replicas;
  // Replicas that hinder each other may finish less the more they are, but never less than in that proportion
  // (Gunther's universal scalability law, which ends in 1/N). What fell further is not their doing: a few long
  // jobs, or all became slower.
  if (many.rate * growth < few.rate) return Verdict::kOpen;
  const double due = few.rate * (growth - 1), gained = many.rate - few.rate;
  // The error of what is due is that of `few`, enlarged in proportion.
  const double error = std::hypot(few.error * (1 + kHelped * (growth - 1)), many.error);
  if (gained + kErrors * error < kHelped * due) return Verdict::kDoesNot;
  if (gained > kHelped * due && gained > error) return Verdict::kHelps;
  return Verdict::kOpen;
}

void Bottleneck::add(const Span& span, const ReplicaCounts& replicas, bool all_work, double in_hand,
                     const Workers& workers) {
  if (!span.saturated) {
    // No backlog, no bottleneck: what there is suffices.
    *this = {};
    return;
  }
  pending_ = stage_ == Stage::kTrying;
  // Only what as many replicas settled from one sample to the next proves something: when others joined is
  // not known.
  if (span.blur > kBlur * span.working * span.seconds || span.unclear) {
    pending_ = pending_ || (!samples_.empty() && span.working > kGrowth * samples_.back().replicas);
    return;
  }
  const double working = span.working;
  if (working <= 0) return;
  // Those that joined may be counted too early; what they do is known once a start has passed.
  if (working > kSame * grown_from_) {
    grown_from_ = working;
    grown_at_ = span.at;
  }
  grown_from_ = std::min(grown_from_, working);
  // Nor does one surely work who is not ready any more: what is in hand may be a dead worker's.
  const bool sure = to_seconds(span.at - grown_at_) >= std::max(kLeastSeconds, workers.start_up) &&
                    replicas.ready > working - 1;
  samples_.push_back({span.at, working, span.settled, span.seconds, in_hand, sure});
  if (samples_.size() > kMaxSamples) samples_.pop_front();
  if (!sure) {
    pending_ = pending_ || samples_.size() > 1;
    return;
  }
  const Window now = window(working / kSame, working * kSame, workers.spread, true);
  if (now.samples >= kLeastSamples) learn_best(now);
  if (stage_ == Stage::kHolding) return watch_holding(span.at, workers);
  // As many as are tried may be more than max_replicas allows: what has come of it is measured.
  if (stage_ == Stage::kTrying && (!all_work || replicas.current <= cap_)) {
    if (span.at >= until_) *this = {};  // they never worked: that is no bottleneck of the others
    return;
  }
  judge(span.at, workers);
}

void Bottleneck::learn_best(const Window& w) {
  const double each = (w.rate - w.error) / w.replicas;
  if (w.rate <= kErrors * w.error || each <= best_) return;
  best_ = each;
  best_at_ = w.replicas;
}

void Bottleneck::judge(Time now, const Workers& workers) {
  const double present = samples_.back().replicas;
  const Window many = window(present / kSame, present * kSame, workers.spread, true, doubted_at_);
  const Window few = window(0, present / kGrowth, workers.spread, false);
  if (few.samples == 0) return;
  switch (compare(few, many, workers)) {
    case Verdict::kDoesNot:
      // Chance says so once now and then, hardly twice, of other messages.
      if (!std::exchange(doubted_at_, now)) {
        pending_ = true;
        return;
      }
      return hold(now, few, many, workers);
    case Verdict::kHelps:
      doubted_at_.reset();
      if (stage_ == Stage::kTrying && ++helped_ < kHelpsToBeFree) {
        // Kept; and at once as many again.
        cap_ = tried_;
        tried_ = cap_ + std::max(1, whole(kNextTry * cap_));
        until_ = now + try_length(workers);
        pending_ = true;
        return;
      }
      if (stage_ == Stage::kTrying) {
        const auto kept = samples_;
        const double best = best_, best_at = best_at_;
        *this = {};
        samples_ = kept;
        best_ = best;
        best_at_ = best_at;
      }
      pending_ = false;
      reason_.clear();
      return;
    case Verdict::kOpen:
      pending_ = many.seconds < kWindowSeconds;
      // A try that shows nothing either way was not needed.
      if (stage_ == Stage::kTrying && now >= until_) hold(now, few, many, workers);
  }
}

void Bottleneck::hold(Time now, const Window& few, const Window& many, const Workers& workers) {
  const bool again = stage_ == Stage::kTrying;
  held_rate_ = many.rate;
  learn_best(few);
  const int most = whole(again ? few.replicas : many.replicas);
  cap_ = std::clamp(whole(kRoom * many.rate / std::max(best_, 1e-9)), 1, std::max(1, most));
  pause_ = again ? std::min(2 * pause_, kLongestPause)
                 : std::max(kFirstPause, 2 * (workers.start_up + kLeastJobs * workers.job));
  until_ = now + seconds(pause_);
  stage_ = Stage::kHolding;
  if (!again) too_few_ = 0;
  doubted_at_.reset();
  stepped_ = now;
  pending_ = false;
  const bool hands_full = many.in_hand < few.in_hand * kSame;
  reason_ = fmt::format(
      "{:.0f} replicas finish {}, {:.0f} finished {}: more replicas do not help{}", many.replicas,
      rate_text(many.rate), few.replicas, rate_text(few.rate),
      hands_full ? ", and no more messages are being processed than before: look at max_ack_pending"
                 : ": look at what they share (a database, a lock, the CPU)");
}

// Replicas that the throughput keeps busy, where fewer were seen to do more each while the bottleneck did not
// hold them back yet; else 1.
int Bottleneck::busy_at_best() const {
  const bool held_back = best_ * best_at_ > kUnhindered * held_rate_;
  return held_back ? 1 : static_cast<int>(held_rate_ / std::max(best_, 1e-9));
}

void Bottleneck::watch_holding(Time now, const Workers& workers) {
  const double present = samples_.back().replicas;
  const Window w = window(present / kSame, present * kSame, workers.spread, true, stepped_);
  const bool measured =
      w.samples >= kLeastSamples && w.seconds >= std::max(kLeastSeconds, kLeastJobs * workers.job);
  if (measured && w.rate - kErrors * w.error > kRose * held_rate_) {
    *this = {};  // it lets more through now: what was believed no longer holds
    return;
  }
  if (measured && present < cap_ * kSame && present > cap_ / kSame) {
    // Fewer, for as long as they carry as much; one step back where they do not.
    if (w.rate + kErrors * w.error < kFell * held_rate_) {
      too_few_ = cap_;
      cap_ = whole(cap_ / kFewer);
      stepped_ = now;
      until_ = now + seconds(pause_);
    } else if (const int fewer = std::max(static_cast<int>(kFewer * cap_), busy_at_best());
               w.rate > kFell * held_rate_ && fewer > too_few_ && fewer < cap_) {
      cap_ = fewer;
      stepped_ = now;
      until_ = now + seconds(pause_);
    }
  }
  if (now < until_) return;
  tried_ = cap_ + std::max(1, whole(kTry * cap_));
  stage_ = Stage::kTrying;
  pending_ = true;
  helped_ = 0;
  until_ = now + try_length(workers);
}

std::optional<int> Bottleneck::most() const {
  if (stage_ == Stage::kHolding) return cap_;
  if (stage_ == Stage::kTrying) return tried_;
  return std::nullopt;
}

void Bottleneck::save(nlohmann::json& state) const {
  state = {{"stage", static_cast<int>(stage_)},
           {"cap", cap_},
           {"tried", tried_},
           {"held_rate", held_rate_},
           {"best", best_},
           {"best_at", best_at_},
           {"pause", pause_},
           {"reason", reason_},
           {"pending", pending_},
           {"until", saved(until_)},
           {"too_few", too_few_},
           {"helped", helped_},
           {"grown", {grown_from_, saved(grown_at_)}},
           {"stepped", saved(stepped_)}};
  if (doubted_at_) state["doubted_at"] = saved(*doubted_at_);
  auto& samples = state["samples"] = nlohmann::json::array();
  for (const Sample& s : samples_)
    samples.push_back({saved(s.at), s.replicas, s.settled, s.seconds, s.in_hand, s.sure});
}

void Bottleneck::restore(const nlohmann::json& state) {
  // What version 0.1 wrote has no stage: it begins anew.
  if (!state.is_object() || !state.contains("stage")) return;
  if (const auto it = state.find("samples");
      it != state.end() && it->is_array() && it->size() <= kMaxSamples) {
    samples_.clear();
    for (const auto& v : *it) {
      if (!v.is_array() || v.size() != 6 || !v[5].is_boolean()) continue;
      const auto at = restored_time(v[0]);
      Sample s{at.value_or(Time{}), -1, 0, -1, 0, v[5].get<bool>()};
      restore_number(v[1], 0, 1e6, s.replicas);
      restore_number(v[2], -1e18, 1e18, s.settled);
      restore_number(v[3], 1e-9, 1e9, s.seconds);
      restore_number(v[4], 0, 1e18, s.in_hand);
      if (at && s.replicas > 0 && s.seconds > 0) samples_.push_back(s);
    }
  }
  double stage = 0, cap = 0, tried = 0;
  restore_number(state, "stage", 0, 2, stage);
  restore_number(state, "cap", 0, 1e6, cap);
  restore_number(state, "tried", 0, 1e6, tried);
  const auto until = state.contains("until") ? restored_time(state["until"]) : std::nullopt;
  if (until && cap >= 1) {
    stage_ = static_cast<Stage>(static_cast<int>(stage));
    cap_ = static_cast<int>(cap);
    tried_ = static_cast<int>(tried);
    until_ = *until;
  }
  double too_few = 0, helped = 0;
  restore_number(state, "helped", 0, kHelpsToBeFree, helped);
  helped_ = static_cast<int>(helped);
  restore_number(state, "too_few", 0, 1e6, too_few);
  too_few_ = static_cast<int>(too_few);
  if (const auto it = state.find("grown"); it != state.end() && it->is_array() && it->size() == 2) {
    restore_number((*it)[0], 0, 1e6, grown_from_);
    grown_at_ = restored_time((*it)[1]).value_or(grown_at_);
  }
  if (const auto it = state.find("doubted_at"); it != state.end()) doubted_at_ = restored_time(*it);
  if (state.contains("stepped")) stepped_ = restored_time(state["stepped"]).value_or(stepped_);
  restore_number(state, "held_rate", 0, 1e18, held_rate_);
  restore_number(state, "best", 0, 1e18, best_);
  restore_number(state, "best_at", 0, 1e6, best_at_);
  restore_number(state, "pause", 0, kLongestPause, pause_);
  if (const auto it = state.find("pending"); it != state.end() && it->is_boolean())
    pending_ = it->get<bool>();
  if (const auto it = state.find("reason"); it != state.end() && it->is_string())
    reason_ = it->get<std::string>();
}

}  // namespace docktor::objective
