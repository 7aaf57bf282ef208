// Series thinned to what a chart can show, as SVG path data.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace docktor::report {

struct Spot {
  double x = 0;
  double y = 0;
};

/// At most 2 × `columns` + 2 spots of a curve over x = 0..width: of each column the least and the greatest in
/// their order, so that no peak gets lost; first and last always. Spots in the order of x.
std::vector<Spot> thinned(const std::vector<Spot>& spots, double width, std::size_t columns);

/// Of each column the least, the greatest and the mean of y, at the column's middle: for curves that go up
/// and down more often than a line can show.
struct Band {
  std::vector<Spot> least, greatest, mean;
};
Band banded(const std::vector<Spot>& spots, double width, std::size_t columns);

/// How often a curve crosses the whole height, all its ups and downs added up.
double roughness(const std::vector<Spot>& spots, double height);

/// Path data with one decimal, relative steps: straight from spot to spot.
std::string straight(const std::vector<Spot>& spots);

/// Path data that holds each spot's y until the next one's x.
std::string stepped(const std::vector<Spot>& spots);

/// The closed area between two curves.
std::string between(const std::vector<Spot>& a, const std::vector<Spot>& b);

/// As stepped(), down to `base` at both ends and closed.
std::string filled(const std::vector<Spot>& spots, double base);

}  // namespace docktor::report
