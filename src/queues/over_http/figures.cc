#include "queues/over_http/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace docktor {

namespace {

using std::chrono::milliseconds;

constexpr double kMostSensible =
    9007199254740992.0;  // 2^53: beyond, a double that stands for a count is no count
// Samples are taken in a little later or earlier.
constexpr double kSlack = 0.8;

// Half a message waits as a whole one does.
std::uint64_t count_of(double value) { return static_cast<std::uint64_t>(std::ceil(value)); }
std::uint64_t total_of(double value) { return static_cast<std::uint64_t>(value); }

}  // namespace

std::string_view figure_key(Figure figure, std::string_view backlog_key) {
  return figure == Figure::kBacklog ? backlog_key : kFigures[static_cast<std::size_t>(figure)].key;
}

FigureTexts figure_texts(const Settings& settings, std::string_view backlog_key) {
  FigureTexts out;
  for (const auto& f : kFigures) {
    if (auto text = settings.text(figure_key(f.figure, backlog_key)); !text.empty())
      out.emplace(f.figure, std::move(text));
  }
  return out;
}

Untold untold_figures(const FigureTexts& texts, std::string why) {
  Untold out{.metrics = {Metric::kQueueLag, Metric::kQueueRedelivered, Metric::kQueueWaiting},
             .why = std::move(why)};
  const auto has = [&](Figure f) { return texts.contains(f); };
  const bool flow =
      has(Figure::kArrivals) || has(Figure::kSettled) || has(Figure::kRateIn) || has(Figure::kRateOut);
  out.flow = !flow;
  for (const auto& f : kFigures) {
    // One of the two rates gives the other.
    const bool rate = f.metric == Metric::kQueueRateIn || f.metric == Metric::kQueueRateOut;
    if (rate ? !flow : !has(f.figure)) out.metrics.push_back(f.metric);
  }
  return out;
}

void check_figures(KindReader& from) {
  if (from.given("arrivals") && from.given("rate_in"))
    from.mistake("rate_in", "both arrivals and rate_in are written; write one of them");
  if (from.given("settled") && from.given("rate_out"))
    from.mistake("rate_out", "both settled and rate_out are written; write one of them");
}

Result<double> sensible(std::string_view key, double value) {
  const auto bad = [&](std::string_view what) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} is {}: no data", key, what), true);
  };
  if (std::isnan(value)) return bad("NaN");
  if (std::isinf(value)) return bad(value > 0 ? "+Inf" : "-Inf");
  if (value < 0) return bad("negative");
  if (value > kMostSensible) return bad("larger than any count");
  return value;
}

FigureSamples::FigureSamples(Options options)
    : options_(options), epoch_(fmt::format("since {:.3f}", instant_now().unix_seconds)) {}

QueueSample FigureSamples::make(const Instant& now, const std::map<Figure, double>& figures) {
  const auto count_at = [&](Figure f) -> std::optional<std::uint64_t> {
    const auto it = figures.find(f);
    return it == figures.end() ? std::nullopt : std::optional(count_of(it->second));
  };
  QueueSample q;
  q.num_pending = count_at(Figure::kBacklog).value_or(0);
  q.num_ack_pending = count_at(Figure::kInFlight);
  q.scheduled = count_at(Figure::kScheduled);
  q.consumers = count_at(Figure::kConsumers);
  q.dead = count_at(Figure::kDead);
  q.redelivered_after = options_.claim_after;
  constexpr double kLongest = 1e9;  // 30 years, in seconds
  if (const auto it = figures.find(Figure::kOldestAge); it != figures.end())
    q.oldest_age = seconds(std::min(it->second, kLongest));
  count(now, figures, q);
  align(now, figures, q);
  last_ = now;
  return q;
}

// A rate becomes a total that grows by it, so that the flow between two samples is the rate times their distance.
void FigureSamples::count(const Instant& now, const std::map<Figure, double>& figures, QueueSample& into) {
  const double passed = last_ ? std::chrono::duration<double>(now.steady - last_->steady).count() : 0;
  const auto total = [&](Figure counter, Figure rate, double& sum) -> std::optional<std::uint64_t> {
    if (const auto it = figures.find(counter); it != figures.end()) return total_of(it->second);
    const auto it = figures.find(rate);
    if (it == figures.end()) return std::nullopt;
    into.totals.incarnation = epoch_;
    sum = std::min(sum + it->second * passed, kMostSensible);
    return total_of(sum);
  };
  into.totals.arrived = total(Figure::kArrivals, Figure::kRateIn, arrived_);
  into.totals.settled = total(Figure::kSettled, Figure::kRateOut, settled_);
}

// Counters that move each `step` only: a flow begins and ends with a move, and where none comes after two steps. Without,
// one sample would carry the arrivals of two steps and the next none.
void FigureSamples::align(const Instant& now, const std::map<Figure, double>& figures, QueueSample& into) {
  into.step = options_.step;
  if (options_.step == Duration::zero()) return;
  std::map<Figure, double> counters;
  for (const auto f : {Figure::kArrivals, Figure::kSettled}) {
    if (const auto it = figures.find(f); it != figures.end()) counters.insert(*it);
  }
  const bool moved = !counters_.empty() && counters != counters_;
  counters_ = std::move(counters);
  if (counters_.empty()) return;
  if (!flow_began_) {
    flow_began_ = now.steady;
    return;
  }
  const auto least = std::chrono::duration_cast<Duration>(kSlack * options_.step);
  const auto passed = now.steady - *flow_began_;
  into.step = 2 * options_.step;
  if ((moved && passed >= least) || passed >= into.step) {
    into.step = std::chrono::duration_cast<Duration>(kSlack * least);
    flow_began_ = now.steady;
  }
}

}  // namespace docktor
