// The panels over time: load against capacity, replicas, backlog, waits, on one time axis.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace docktor::report {

struct Timeline {
  std::string svg;    ///< children of an <svg> whose width is the plot's and whose height is `height`
  double height = 0;  ///< pixels
};

/// Texts stand left of 0 and right of the width: leave kTimelineLeft and kTimelineRight pixels. A line that
/// is not `shown` is drawn all the same, with the class `rest`. An empty svg where no line has a series.
Timeline timeline(const Report& report, const std::vector<bool>& shown);

inline constexpr double kTimelineLeft = 50;
inline constexpr double kTimelineRight = 14;

/// The series that all share: the first that is not empty; none: an empty one.
const std::vector<sim::Point>& any_series(const Report& report);

/// Seconds between two points of a series; 0 where there are not two.
double bin_of(const std::vector<sim::Point>& series);

}  // namespace docktor::report
