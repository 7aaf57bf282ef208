// The daemon's HTTP side: the site, its unix socket, and where the configuration says so a port.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "control/figures.h"
#include "control/paths.h"
#include "core/http_spec.h"
#include "http/server.h"
#include "web/site.h"

namespace docktor {

/// Used by one thread; what serves has threads of its own.
class DaemonWeb {
 public:
  /// Asks the daemon's loop; from any thread.
  using Ask = std::function<Result<nlohmann::ordered_json>(
      const std::string& operation, const nlohmann::json& arguments, const std::string& by)>;

  DaemonWeb(const Board& board, const Instance& instance, bool manual, Ask ask);
  ~DaemonWeb() { close(); }

  /// The unix socket. An error is a warning: whoever scales is not to stop for want of a page.
  Result<void> open_socket();
  /// As the configuration says from now on; unchanged, or an error and everything as it was.
  Result<void> apply(const HttpSpec& spec);
  void reloaded(bool taken, double at) { site_.reloaded(taken, at); }
  /// For the metrics; called from other threads.
  void notifications_with(web::Site::Channels channels) { site_.notifications_with(std::move(channels)); }
  /// Ends all connections, and the simulation that one of them waits for.
  void close();

 private:
  Result<nlohmann::ordered_json> call(const std::string& operation, const nlohmann::json& arguments,
                                      const std::string& by) const;

  Result<nlohmann::ordered_json> read(const std::string& operation, const nlohmann::json& arguments) const;
  Result<nlohmann::ordered_json> savings(const nlohmann::json& arguments) const;
  Result<std::vector<HistoryPoint>> recorded(const std::string& service, Time from, Time to,
                                             std::size_t most) const;

  const Board& board_;
  const Instance instance_;
  const Ask ask_;
  std::stop_source stop_;
  mutable std::mutex simulates_, reads_;
  struct Told {
    std::chrono::steady_clock::time_point until;
    nlohmann::ordered_json answer;
  };
  mutable std::map<std::string, Told> savings_;  // by their arguments; guarded by reads_
  web::Site site_;
  HttpSpec spec_;
  std::unique_ptr<http::HttpListener> socket_, network_;
  std::vector<std::jthread> retired_;  // listeners that end: whoever waits there may wait for the loop
};

}  // namespace docktor
