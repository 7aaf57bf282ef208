// Named figures that a user's own query or pointer gives, and the sample that comes of them.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "core/metric.h"
#include "core/result.h"
#include "core/sample.h"
#include "queues/over_http/asked_source.h"

namespace docktor {

enum class Figure {
  kBacklog,
  kInFlight,
  kArrivals,
  kSettled,
  kRateIn,
  kRateOut,
  kOldestAge,
  kScheduled,
  kConsumers,
  kDead,
};

struct FigureInfo {
  Figure figure;
  std::string_view key;  ///< of the configuration; that of the backlog may have another name
  Metric metric;
};

inline constexpr std::array<FigureInfo, 10> kFigures{{
    {Figure::kBacklog, "backlog", Metric::kQueueBacklog},
    {Figure::kInFlight, "in_flight", Metric::kQueueAckPending},
    {Figure::kArrivals, "arrivals", Metric::kQueueRateIn},
    {Figure::kSettled, "settled", Metric::kQueueRateOut},
    {Figure::kRateIn, "rate_in", Metric::kQueueRateIn},
    {Figure::kRateOut, "rate_out", Metric::kQueueRateOut},
    {Figure::kOldestAge, "oldest_age", Metric::kQueueOldestAge},
    {Figure::kScheduled, "scheduled", Metric::kQueueScheduled},
    {Figure::kConsumers, "consumers", Metric::kQueueConsumers},
    {Figure::kDead, "dead", Metric::kQueueDead},
}};

/// How each figure is had (a query, a pointer), of those that are.
using FigureTexts = std::map<Figure, std::string>;

/// Of settings: the texts behind the figures' keys. `backlog_key` is the backlog's.
FigureTexts figure_texts(const Settings& settings, std::string_view backlog_key);

std::string_view figure_key(Figure figure, std::string_view backlog_key);

/// What the settings leave untold.
Untold untold_figures(const FigureTexts& texts, std::string why);

/// A counter and a rate for the same thing are one too many.
void check_figures(KindReader& from);

/// A number that can be that figure: finite, not negative, no larger than a count can be. The error names the figure.
Result<double> sensible(std::string_view key, double value);

/// Makes one sample after the other of figures. Not thread-safe.
class FigureSamples {
 public:
  struct Options {
    Duration step{};                                  ///< the figures move only this often
    Duration claim_after = std::chrono::seconds(60);  ///< QueueSample::redelivered_after
  };

  explicit FigureSamples(Options options);

  /// Of figures that passed sensible(), the backlog among them.
  QueueSample make(const Instant& now, const std::map<Figure, double>& figures);

 private:
  void count(const Instant& now, const std::map<Figure, double>& figures, QueueSample& into);
  void align(const Instant& now, const std::map<Figure, double>& figures, QueueSample& into);

  const Options options_;
  std::string epoch_;  // of totals that are made of rates
  std::optional<Instant> last_;
  double arrived_ = 0, settled_ = 0;                                 // made of rates
  std::map<Figure, double> counters_;                                // as last told
  std::optional<std::chrono::steady_clock::time_point> flow_began_;  // with a move
};

}  // namespace docktor
