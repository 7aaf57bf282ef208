// The table of metrics: name, type, labels, meaning, and where the value comes from.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/figures.h"
#include "core/notify_spec.h"

namespace docktor::metrics {

enum class Type { kGauge, kCounter, kHistogram };

/// What /metrics is made of; a snapshot.
struct World {
  std::vector<ServiceFiguresPtr> services;
  DaemonFigures daemon;
  std::string version;
  bool reload_ok = true;
  double reload_at = 0;  ///< Unix seconds of the last configuration that was taken
  std::map<std::pair<std::string, int>, std::uint64_t> http_requests;  ///< by handler and code
  std::size_t http_connections = 0, http_streams = 0;
  std::vector<ChannelFigures> channels;  ///< of notifications
  struct Process {
    double cpu_seconds = 0, start_time = 0;
    double resident = 0, virtual_memory = 0;  ///< bytes
    double open_fds = 0, max_fds = 0, threads = 0;
  } process;
  bool reduced = false;  ///< too many services: what is dear is left out
};

/// Takes the samples of one family.
class Samples {
 public:
  virtual ~Samples() = default;
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  virtual void put(double value, Labels labels = {}) = 0;
  /// `counts` is not cumulative; the last is beyond the last bound.
  virtual void histogram(std::span<const double> bounds, std::span<const double> counts, double sum,
                         Labels labels = {}) = 0;
};

struct Row {
  std::string_view name;  ///< whole, as Prometheus shows it; of a counter with _total
  Type type;
  std::string_view labels;  ///< beside `service`; for the documentation
  std::string_view help;
  void (*of)(const ServiceFigures&, Samples&);  ///< one of the two: samples of each service,
  void (*whole)(const World&, Samples&);        ///< or of the daemon
  bool dear = false;                            ///< left out where there are more than kMostWhole services
};

inline constexpr std::size_t kMostWhole = 500;

std::span<const Row> table();

/// What /proc tells of this process.
World::Process this_process();

}  // namespace docktor::metrics
