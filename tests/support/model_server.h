// A server that speaks OpenAI's chat completions and answers what the test's script says, mended or broken.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace docktor::test {

struct ModelReply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::chrono::milliseconds delay{0};  ///< before the first byte
  bool cut_off = false;                ///< half of the body, then the connection is closed
};

/// A completion whose message is `content`.
ModelReply says(const std::string& content);
/// The same as a stream of events, a few characters each; without its end when `cut_off`.
ModelReply streams(const std::string& content, bool cut_off = false);
/// A completion that calls a function.
ModelReply calls(const std::string& name, const nlohmann::json& arguments);

/// Listens on a free port of 127.0.0.1. Thread-safe. GET .../models lists `models`.
class ModelServer {
 public:
  using Json = nlohmann::json;
  using Script = std::function<ModelReply(const Json& request, int number)>;

  explicit ModelServer(Script script);
  ~ModelServer();
  ModelServer(const ModelServer&) = delete;
  ModelServer& operator=(const ModelServer&) = delete;

  std::string url() const;  ///< of the API: http://127.0.0.1:PORT/v1
  void script(Script script);
  /// Bodies of the completions asked for so far.
  std::vector<Json> requests() const;
  /// The header line of the last request that begins with `name`, or nothing.
  std::string header(const std::string& name) const;

  std::vector<std::string> models{"ai/first", "ai/second"};

 private:
  void serve(const std::stop_token& stop);
  void talk(int fd, const std::stop_token& stop);

  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  Script script_;
  std::vector<Json> requests_;
  std::string headers_;
  std::list<std::jthread> connections_;
  std::jthread thread_;
};

}  // namespace docktor::test
