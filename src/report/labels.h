// Labels beside the points of a chart, so that none covers another.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace docktor::report {

struct Box {
  double left = 0, top = 0, width = 0, height = 0;
  bool overlaps(const Box& other) const;
};

struct Label {
  double x = 0, y = 0;  ///< the point, pixels
  double width = 0;     ///< of its text
  Box box;              ///< where the text goes; of no width where there is no room for it
  bool leader = false;  ///< so far away that a line must lead to it
};

/// Fills in `box` and `leader` of each: within `area`, covering neither a point, nor a box of `taken`, nor a
/// label before it. First come, first served.
void place(std::vector<Label>& labels, const Box& area, double height, std::vector<Box> taken);

}  // namespace docktor::report
