#include "report/labels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace docktor::report {
namespace {

constexpr double kPointRadius = 6;
constexpr double kGap = 4;          // between a point and its label
constexpr double kLeaderFrom = 12;  // farther than this from the point, a line leads to the label

bool within(const Box& box, const Box& area) {
  return box.left >= area.left && box.top >= area.top && box.left + box.width <= area.left + area.width &&
         box.top + box.height <= area.top + area.height;
}

// The label's box in a direction from its point, its nearest edge `distance` away.
Box beside(const Label& l, double height, double angle, double distance) {
  const double dx = std::cos(angle);
  const double dy = std::sin(angle);
  const double x = l.x + dx * distance;
  const double y = l.y + dy * distance;
  // Right of the point the box begins there, left of it it ends there, in between in proportion.
  return {x - l.width * (1 - dx) / 2, y - height * (1 - dy) / 2, l.width, height};
}

}  // namespace

bool Box::overlaps(const Box& o) const {
  return left < o.left + o.width && o.left < left + width && top < o.top + o.height && o.top < top + height;
}

void place(std::vector<Label>& labels, const Box& area, double height, std::vector<Box> taken) {
  for (const Label& l : labels)
    taken.push_back({l.x - kPointRadius, l.y - kPointRadius, 2 * kPointRadius, 2 * kPointRadius});
  // Right, left, above, below, then the directions between.
  static constexpr std::array<double, 16> kDirections = {0,  8, 12, 4, 14, 2, 10, 6,
                                                         15, 1, 9,  7, 13, 3, 11, 5};
  const double farthest = std::hypot(area.width, area.height);
  for (Label& l : labels) {
    l.box = {};
    for (double distance = kPointRadius + kGap; distance < farthest && l.box.width == 0; distance += 9) {
      for (const double direction : kDirections) {
        const Box box = beside(l, height, direction * std::numbers::pi / 8, distance);
        if (!within(box, area)) continue;
        if (std::any_of(taken.begin(), taken.end(), [&](const Box& t) { return t.overlaps(box); })) continue;
        l.box = box;
        l.leader = distance > kLeaderFrom;
        taken.push_back(box);
        break;
      }
    }
  }
}

}  // namespace docktor::report
