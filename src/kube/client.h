// The API server of one cluster: requests, streams, and errors as sentences.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "kube/access.h"
#include "kube/credentials.h"
#include "os/event_loop.h"
#include "os/http_client.h"

namespace docktor {

struct KubeCall {
  std::string method = "GET";
  std::string path;  ///< "/api/v1/namespaces/shop/pods?limit=500"
  std::string body;  ///< JSON
  std::string content_type = "application/json";
  Duration timeout = std::chrono::seconds(10);
  std::function<bool()>
      may_go{};  ///< asked right before it goes out, on the loop; false: it does not (KubeAnswer::unsent)
};

/// What the server said. `error` is there whenever it is not what was asked for.
struct KubeAnswer {
  int status = 0;  ///< of HTTP; 0: there was no answer
  nlohmann::json body;
  std::optional<Error> error;
  std::optional<Duration> retry_after;  ///< the server wants to be left alone for that long
  bool unsent = false;                  ///< by KubeCall::may_go; the error is kConflict
  bool ok() const { return !error; }
};

/// Thread-safe but where it says otherwise. Callbacks run on loop(), one at a time, and must not block; none runs any more
/// once stop() has returned.
///
/// Errors: kNotFound (404), kConflict (409, 410), kDenied (401, 403, TLS), kExhausted (429; retry), kInvalid (400, 422), kUnavailable
/// and kTimeout (no answer; retry), kInternal (5xx; retry). Messages are the server's own where it says something.
class KubeClient {
 public:
  using Done = std::function<void(KubeAnswer)>;
  using OnObject = std::function<void(nlohmann::json)>;
  using StreamId = std::uint64_t;

  explicit KubeClient(KubeAccess access);
  ~KubeClient();

  EventLoop& loop() { return loop_; }
  const KubeAccess& access() const { return access_; }

  /// `done` is called once, or not at all once the client is stopped.
  void submit(KubeCall call, Done done);

  /// A watch: `on_object` for each line of the answer, then `done`. On the loop only.
  StreamId stream(KubeCall call, OnObject on_object, Done done);
  /// `done` follows with kUnavailable. On the loop only.
  void cancel(StreamId id);

  /// Waits for the answer. Not on the loop.
  KubeAnswer call(KubeCall call, const std::stop_token& stop = {});

  /// Nothing is called any more; what is under way is dropped. Not on the loop.
  void stop();

 private:
  struct Going;
  void start(const std::shared_ptr<Going>& going);
  void finished(const std::shared_ptr<Going>& going, Result<HttpResponse> response);
  HttpClient::Data reader_of(const std::shared_ptr<Going>& going);
  Result<std::vector<std::string>> authorize();

  const KubeAccess access_;
  std::stop_source stopping_;
  KubeCredentials credentials_;                         // on the loop
  KubeCredentials::Certificate certificate_;            // that http_ was made with; on the loop
  std::map<StreamId, std::shared_ptr<Going>> streams_;  // on the loop
  StreamId next_stream_ = 1;                            // on the loop
  std::shared_ptr<HttpClient> http_;                    // on the loop
  EventLoop loop_;                                      // last: it uses what stands above
};

/// A sentence for an answer that is no success; pure. `message` is the server's.
Error kube_error(int status, const std::string& message, const std::string& shown);

}  // namespace docktor
