// One HTTP server that is asked about queues, on behalf of all services that name it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/factory.h"
#include "core/result.h"
#include "os/http_client.h"

namespace docktor {

/// One instant, on both clocks.
struct Instant {
  std::chrono::steady_clock::time_point steady;
  double unix_seconds = 0;
};
Instant instant_now();

/// Thread-safe. Callbacks come from one thread of its own, must not block and must not destroy it.
class Asker {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Done = std::function<void(Result<HttpResponse>)>;
  using Answers = std::vector<HttpResponse>;

  struct Options {
    HttpServer server;
    std::string shown;  ///< the address for people, without credentials
    /// The address to connect to in place of the server's; may block for seconds. Empty: as it is.
    std::function<std::string(const std::string& url)> resolve{};
    /// Signs a request in: adds what proves who we are, and says where that came from, for people. May block for a moment,
    /// and until `deadline` at most. Empty: nobody.
    std::function<Result<std::string>(HttpRequest&, SteadyTime deadline)> sign{};
  };

  explicit Asker(Options options);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  /// Calls `done` once, by `deadline` or soon after, unless the asker ends before. An answer of any status is an answer.
  void ask(HttpRequest request, SteadyTime deadline, Done done);

  /// Waits for the answers, in the order of the requests, or for the first error. Never call it from a callback.
  Result<Answers> call(std::vector<HttpRequest> requests, SteadyTime deadline);

  /// What `sign` said last; empty before the first request.
  std::string signed_by() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

/// Thread-safe. Services with the same server and identity share an asker; it lives as long as somebody holds it.
class Askers {
 public:
  /// `key`: whatever tells one identity from another. `make` is called where there is no such asker yet.
  std::shared_ptr<Asker> get(const std::string& key, const std::function<Asker::Options()>& make);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Asker>> askers_;
};

/// What an answer without figures means, in words that name the server: kDenied for 401 and 403, kUnavailable else.
Error refusal(const HttpResponse& response, const std::string& shown, const std::string& who);

/// The beginning of a text from outside, fit to be shown.
std::string excerpt(std::string_view text, std::size_t most = 120);

}  // namespace docktor
