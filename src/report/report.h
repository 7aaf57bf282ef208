// What a study came to, in four forms: a table for the terminal, JSON, one self-contained HTML page, and the
// charts alone as SVG. Pure functions, thread-safe; names may hold any bytes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/run.h"

namespace docktor::report {

/// One policy: the mean of its runs over the seeds, and how far they lie apart.
struct Line {
  std::string policy;
  std::string note;       ///< adaptations, the setting that tuning chose; empty where there is nothing to say
  bool ours = false;      ///< docktor's own policy: drawn and compared first
  sim::RunResult result;  ///< means; the series is the first seed's and may be empty
  double rho_low = 0, rho_high = 0;
  double p99_low = 0, p99_high = 0;  ///< seconds
  double speedup = 0;     ///< sim::elastic_speedup against as many replicas as the peak needs, always
  double to_optimum = 0;  ///< ρ over the clairvoyant optimum's at equal p99; 0 = not computed
};

struct Report {
  std::string load_name;
  std::string world;    ///< the workers and what befalls them, in words
  std::string version;  ///< docktor's
  double length = 0;    ///< seconds of load
  double max_wait = 5;  ///< seconds, the objective
  double quantile = 0.99;
  double capacity = 20;  ///< messages per second of one replica
  int seeds = 1;
  std::vector<std::pair<double, double>> frontier;  ///< ρ and p99 (seconds) of the clairvoyant optimum
  std::vector<Line> lines;
};

/// A headline, one row per policy, what the columns mean, and the notes; at most 120 columns wide unless a
/// note is longer. No control character of a name gets through.
/// `with_details`: every column, by the letters of the field; else the deciding ones in words, 80 columns
/// wide.
std::string table(const Report& report, bool with_details = false);

/// One JSON object, indented, its keys in a fixed order and with their units in their names. What is not a
/// finite number is null. Without the series.
std::string json(const Report& report);

/// The whole page: one file that asks nothing of the network.
std::string html(const Report& report);

/// The time panels and the p99-against-ρ chart as one SVG of 960 pixels' width.
std::string svg(const Report& report);

}  // namespace docktor::report
