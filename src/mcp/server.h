// An MCP session over lines: both protocol eras from one table of tools.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace docktor::mcp {

/// What a tool's call gets beside its arguments.
struct CallContext {
  std::stop_token stop;  ///< requested when the client cancels, or the session ends
  std::string client;    ///< the client's name, as it says it of itself
  /// Tells how far the work is, where the client asked for that; else does nothing.
  std::function<void(double progress, double total, const std::string& text)> progress;
};

struct Tool {
  std::string name;
  std::string title;
  std::string description;
  nlohmann::json input;   ///< JSON Schema of an object; arguments are checked against it before `call`
  nlohmann::json output;  ///< JSON Schema of the result's structuredContent
  bool read_only = true;
  bool destructive = false;
  bool idempotent = true;
  std::string off;  ///< not empty: not listed, and a call is answered with this
  /// On any thread of the pool, several at once. An error becomes a result with isError, from which a model
  /// can learn what would be right.
  std::function<Result<nlohmann::ordered_json>(const nlohmann::json& arguments, const CallContext& context)>
      call;
};

struct ServerInfo {
  std::string name, title, version;
  std::string instructions;  ///< what a model should know before it calls anything
};

/// take() is for one thread, the reader's. `write` is called with one whole line (without its end) at a time,
/// from any thread, under a lock of the server's. The destructor asks calls in progress to stop, and waits
/// for them.
class Server {
 public:
  static constexpr int kThreads = 8;            ///< calls that run side by side
  static constexpr std::size_t kMaxCalls = 64;  ///< running and waiting; more are refused

  Server(ServerInfo info, std::vector<Tool> tools, std::function<void(const std::string& line)> write);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void take(std::string_view line);
  /// Waits until every call has answered, at most `patience`: a script that pipes requests in gets its
  /// answers, and a client that went away does not keep the program.
  void drain(std::chrono::milliseconds patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads lines from `in` and writes to `out` until end of input, or until `out` takes no more. A line that is
/// too long is refused and skipped to its end.
void serve(int in, int out, ServerInfo info, std::vector<Tool> tools);

}  // namespace docktor::mcp
