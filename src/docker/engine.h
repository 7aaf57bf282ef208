// The Docker Engine API: finds the engine, agrees on a version, sends requests, turns answers into JSON or
// errors with cures.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "docker/endpoint.h"
#include "os/http_client.h"

namespace docktor {

/// 1.41 and the like; compared by value.
struct ApiVersion {
  int major = 1;
  int minor = 41;
  auto operator<=>(const ApiVersion&) const = default;
};
std::optional<ApiVersion> parse_api_version(std::string_view text);
std::string to_string(ApiVersion v);

inline constexpr ApiVersion kOldestApi{1, 41};  ///< Engine 20.10
inline constexpr ApiVersion kNewestApi{1, 56};  ///< what this code was written against

/// What of the engine does not change while it runs.
struct EngineInfo {
  ApiVersion api;  ///< the agreed one: min(the engine's, ours), or DOCKER_API_VERSION
  DockerEndpoint endpoint;
};

/// One request to the engine. `what` completes the sentence "Docker ... could not ...": "start
/// nats-multi-consumer-2".
struct EngineCall {
  std::string what;
  std::string method = "GET";
  std::string path;  ///< without the version: "/containers/json?all=1"
  std::string body;
  std::string content_type = "application/json";
  Duration timeout = std::chrono::seconds(30);
  std::size_t max_body = 32 << 20;
};

/// Thread-safe; never blocks but in call() and connect(). The engine is looked for and asked for its version
/// on first use, and again after it went away: a restart or an upgrade of dockerd needs no restart of
/// docktor.
///
/// Errors: kNotFound (404), kConflict (409), kInvalid (400), kDenied (401, 403, no permission for the
/// socket), kUnavailable and kTimeout (no engine; retry), kInternal (500; retry). Messages name the engine's
/// host.
class DockerEngine {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;

  /// By default the process's environment.
  explicit DockerEngine(DockerLookup lookup = {.getenv = &default_getenv});
  ~DockerEngine();

  /// `done` is called once, from the client's thread or (no engine found) from this call; it must not block.
  void submit(EngineCall call, Done done, HttpClient::Data on_data = {});

  /// Ends a stream: its `done` follows. `call` is what submit_stream returned.
  struct Stream;
  std::shared_ptr<Stream> submit_stream(EngineCall call, Done done, HttpClient::Data on_data);
  static void cancel(const std::shared_ptr<Stream>& stream);

  /// Waits for the answer. When the token is stopped it returns at once; the request goes on until its
  /// deadline.
  Result<HttpResponse> call(EngineCall call, const std::stop_token& stop = {});

  /// Several calls side by side, kMostParallel at a time; answers in the same order.
  static constexpr std::size_t kMostParallel = 32;
  std::vector<Result<HttpResponse>> call_all(std::vector<EngineCall> calls, const std::stop_token& stop = {});

  /// call() for an answer in JSON (null for an empty body).
  Result<nlohmann::json> json(EngineCall call, const std::stop_token& stop = {});

  /// Finds the engine and agrees on a version, if that was not done yet.
  Result<EngineInfo> connect(const std::stop_token& stop = {});

  /// Whether the engine takes a new connection and answers on it. One that shuts down does not, while it
  /// still answers on old ones. Blocks for two seconds at most.
  bool answers_anew(const std::stop_token& stop = {});

  /// What tells one engine from another, however it is reached: its own id, and the place it was reached at
  /// with links resolved (some engines have no lasting id). Two that share one of them are one engine.
  Result<std::vector<std::string>> identities(const std::stop_token& stop = {});

  // The calls that more than one place needs.

  /// Containers of all states that carry all `labels` ("key" or "key=value"), as GET /containers/json shows
  /// them.
  Result<nlohmann::json> containers(const std::vector<std::string>& labels, const std::stop_token& stop = {});
  Result<nlohmann::json> inspect(const std::string& id, const std::stop_token& stop = {});

 private:
  struct State;
  static const char* default_getenv(const char* name);
  std::shared_ptr<State> state_;
};

/// A sentence for a status that is no success; pure, for tests. `message` is the engine's.
Error engine_error(int status, const std::string& message, const std::string& what, const std::string& host);

}  // namespace docktor
