// An HTTP/1.1 server on one socket, of the network or of a unix path: requests in, responses and streams of events
// out, everything bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace docktor::http {

/// What a client may do at most. Whoever sends more is answered with 4xx, or cut off where it cannot even be answered.
inline constexpr std::size_t kMostHead = 16 << 10;  ///< bytes of request line and headers
inline constexpr std::size_t kMostUrl = 4 << 10;
inline constexpr std::size_t kMostBody = 64 << 10;
inline constexpr unsigned kMostConnections = 64;
inline constexpr unsigned kMostOfAddress = 16;
inline constexpr std::size_t kMostStreams = 32;
inline constexpr std::size_t kMostUnread = 1 << 20;  ///< bytes of a stream, beyond the first text
inline constexpr auto kHeadTime = std::chrono::seconds(5);
inline constexpr auto kIdleTime = std::chrono::seconds(15);

/// Who asks through a unix socket, by the kernel's word.
struct Credentials {
  int pid = 0;
  unsigned uid = 0;
  unsigned gid = 0;
};

struct Request {
  std::string method;
  std::string path;                            ///< decoded, without the query
  std::map<std::string, std::string> query;    ///< decoded; of a repeated key the last
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::optional<Credentials> peer;  ///< of a unix socket
  bool loopback = false;            ///< the server's own address is one

  std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string() : it->second;
  }
};

/// One reader of server-sent events. Thread-safe.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// Queues text, at once, however large where nothing waits to be read. False when the reader has gone, or was cut
  /// since it did not read.
  virtual bool send(std::string_view text) = 0;
  /// Nothing more comes; the reader gets what is queued, then the end.
  virtual void end() = 0;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;
  /// Set: the body is a stream of events; it is called once, when the stream is open.
  std::function<void(std::shared_ptr<EventStream>)> stream;
};

struct Handler {
  /// Quick answers, on the server's one thread: nothing for what answer() shall do. Must not block.
  std::function<std::optional<Response>(const Request&)> at_once;
  /// On one of kWorkers threads; may block.
  std::function<Response(const Request&)> answer;
  /// For what the server refuses by itself (a body that is too large, too many at once).
  std::function<Response(int status, const std::string& why)> refuse;
};

/// Serves until destroyed.
class HttpListener {
 public:
  static constexpr int kWorkers = 2;

  /// At "127.0.0.1:3625", "[::1]:3625" (port 0: any), or a unix socket's absolute path, which is made anew with mode
  /// 0660. kConflict when somebody has the port, kDenied when it is not ours to have.
  static Result<std::unique_ptr<HttpListener>> listen(const std::string& at, Handler handler);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  int port() const;  ///< 0 for a unix socket
  std::size_t connections() const;
  std::size_t streams() const;

 private:
  struct Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace docktor::http
