// Axes: from values to pixels, and the ticks beside them.
#pragma once

#include <string>
#include <vector>

namespace docktor::report {

struct Tick {
  double value = 0;
  std::string label;
};

enum class ScaleKind {
  kLinear,  ///< from `low`
  kLog,     ///< `low` above 0; less counts as `low`
  kCounts,  ///< log(1 + v), from 0: a backlog's 0, 10, 100, ...
};

/// One axis. Values beyond its ends, and what is not finite, lie on the nearer end.
struct Scale {
  ScaleKind kind = ScaleKind::kLinear;
  double low = 0;
  double high = 1;
  double from = 0;  ///< pixel of `low`
  double to = 1;    ///< pixel of `high`

  double at(double value) const;
  double share(double value) const;  ///< 0 at low, 1 at high
};

/// The next round number from `value` on, as axes end at: 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten.
double round_up(double value);

/// Some `about` ticks on round values within the scale, those of logarithms on decades, or on 1, 2, 5 of
/// them.
std::vector<Tick> ticks(const Scale& scale, int about);

/// Ticks from 0 to `length` seconds in whole seconds, minutes, hours or days: "30 s", "20 min", "6 h", "2 d".
std::vector<Tick> time_ticks(double length, int most);

}  // namespace docktor::report
