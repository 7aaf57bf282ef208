// A daemon that is measured: folders of its own, what its journal says, what it costs.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace docktor::bench {

/// Seconds since 1970 by the wall clock, as the journal has them.
double unix_now();

/// Prints "what: p50, p99, max" of milliseconds.
void print_quantiles(const char* what, std::vector<double> ms);

/// Not thread-safe. Sets DOCKTOR_*_DIR of this process. The daemon ends with it, and its replicas do.
class MeasuredDaemon {
 public:
  using Json = nlohmann::json;
  MeasuredDaemon();
  ~MeasuredDaemon();
  MeasuredDaemon(const MeasuredDaemon&) = delete;
  MeasuredDaemon& operator=(const MeasuredDaemon&) = delete;

  /// Writes docktor.yaml and starts; throws when it does not come up.
  void start(const std::string& config);
  std::vector<Json> decisions() const;                   ///< the journal's, in order
  int pid() const;                                       ///< -1 when it does not run
  double cpu_seconds() const;                            ///< user and system, since its start
  std::map<std::string, long> memory_kilobytes() const;  ///< of smaps_rollup: "Rss:", "Private_Dirty:", ...
  const test::TempDir& dir() const { return dir_; }

 private:
  void docktor(const std::string& args) const;
  test::TempDir dir_;
};

}  // namespace docktor::bench
