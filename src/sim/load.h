// A load over time: rows of seconds and rate, and the arrivals drawn from them.
#pragma once

#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "sim/random.h"

namespace docktor::sim {

/// From `at` on, messages arrive at `rate` per second, until the next row.
struct Row {
  double at = 0;
  double rate = 0;
};

/// Rows in order of time, the first at 0; the last row only ends the load.
struct Load {
  std::string name;
  std::vector<Row> rows;

  double length() const { return rows.empty() ? 0 : rows.back().at; }
  double peak() const;
  double messages() const;  ///< expected
};

/// The load with its first row so many seconds longer: checks and samples then meet its steps at other moments.
Load begun_later(const Load& load, double seconds);

/// `length` seconds of it, from `from` on, its rates times `factor`.
Load part_of(const Load& load, double from, double length, double factor);

/// `seconds,rate` CSV with a header line. Refuses, with the line's number, what is not finite, negative or
/// out of order.
Result<Load> load_from_csv(std::istream& in, std::string name);
Result<Load> load_from_file(const std::string& path);

/// The built-in shapes by name (see shape_names): `steps`, `ramp`, `onoff`, `spikes`, `daily`,
/// `constant:RATE`, ... `seed` draws heights and times where the shape has random ones. kNotFound, with the
/// list, for an unknown name.
Result<Load> built_in_load(std::string_view name, std::uint64_t seed);
std::string shape_names();

struct ArrivalSpec {
  bool exact = false;  ///< evenly spaced within a row, instead of Poisson
  int clump = 1;       ///< messages that come at one instant; the rate stays the load's
};

/// Instants of arrival, one by one. Drawn by index: the same for every policy of a seed.
class Arrivals {
 public:
  Arrivals(const Load& load, ArrivalSpec spec, std::uint64_t seed);

  /// The next instant; infinity after the last. Never less than the one before.
  double next();

 private:
  const std::vector<Row>* rows_;
  ArrivalSpec spec_;
  Stream stream_;
  std::uint64_t event_ = 0;
  int left_in_clump_ = 0;
  std::size_t row_ = 0;
  double now_ = 0;
};

}  // namespace docktor::sim
