// What docktor answers over HTTP, on whatever sockets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "api/operations.h"
#include "control/figures.h"
#include "core/http_spec.h"
#include "core/notify_spec.h"
#include "http/server.h"
#include "web/feed.h"
#include "web/guard.h"

namespace docktor::web {

/// How the site reaches the daemon. All of it is called from the server's threads, and may block them.
struct Backend {
  std::function<Result<nlohmann::ordered_json>(const std::string& operation, const nlohmann::json& arguments,
                                               const std::string& by)>
      call;  ///< an operation, "reload" or "config"
  /// Of a service, from before what is kept in memory: as recorded_history() of the journal, in at most `most` points.
  std::function<Result<std::vector<HistoryPoint>>(const std::string& service, Time from, Time to,
                                                  std::size_t most)>
      recorded;
  std::string version;
  bool manual = false;
};

/// Thread-safe; outlives the listeners that it answers for.
class Site {
 public:
  Site(const Board& board, Backend backend) : board_(board), backend_(std::move(backend)), feed_(board) {}

  /// For HttpListener::listen.
  http::Handler handler();

  /// Who may ask, from now on: at start and after each reload.
  void allow(const HttpSpec& spec);
  /// How the last reload went, and when (Unix seconds).
  void reloaded(bool taken, double at);
  /// For the metrics: how many connections and streams the listeners have.
  void count_with(std::function<std::pair<std::size_t, std::size_t>()> connections);
  using Channels = std::function<std::vector<ChannelFigures>()>;
  void notifications_with(Channels channels);

 private:
  std::optional<http::Response> to_the_base(const http::Request& request) const;
  http::Request within_base(http::Request request) const;
  std::optional<http::Response> at_once(const http::Request& request);
  http::Response answer(const http::Request& request);
  http::Response own(std::string_view what, const http::Request& request, const Access& access,
                     const std::map<std::string, std::string>& path);
  http::Response health() const;
  http::Response ready() const;
  http::Response desired(const std::string& service) const;
  http::Response metrics(const http::Request& request) const;
  http::Response history(const http::Request& request, const std::string& service) const;
  HttpSpec spec() const;
  void count(const std::string& handler, int status);

  const Board& board_;
  const Backend backend_;
  Feed feed_;
  mutable std::mutex mutex_;
  HttpSpec spec_;
  bool reload_ok_ = true;
  double reload_at_ = 0;
  std::function<std::pair<std::size_t, std::size_t>()> connections_;
  Channels channels_;
  std::map<std::pair<std::string, int>, std::uint64_t> counts_;
};

/// An error as application/problem+json.
http::Response problem(int status, const std::string& detail, std::string_view code = {}, bool retry = false);
http::Response problem(const Error& error);

/// The arguments of an operation: those of the path and the query, whose texts become what its schema wants, and
/// those of the body.
Result<nlohmann::json> arguments_of(const http::Request& request, const Operation& operation,
                                    const std::map<std::string, std::string>& path);

}  // namespace docktor::web
