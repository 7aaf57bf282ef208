// An HTTP server of the test's own: its script answers each request, well or broken.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace docktor::test {

struct WebRequest {
  std::string method;
  std::string path;  ///< with its query
  std::string head;  ///< request line and headers as they came
  std::string body;

  std::string header(const std::string& name) const;  ///< of any case; empty where there is none
};

struct WebReply {
  int status = 200;
  std::string body;
  std::vector<std::string> headers{};  ///< "Name: value"
  std::chrono::milliseconds delay{0};  ///< before the first byte
  bool cut_off = false;                ///< half of the body, then the connection is closed
  bool endless = false;                ///< the body again and again, without end
};

/// Listens on a port of 127.0.0.1 and keeps it across stop() and start(). Connections stay open. Thread-safe.
class WebStub {
 public:
  using Script = std::function<WebReply(const WebRequest&)>;

  explicit WebStub(Script script);
  ~WebStub();
  WebStub(const WebStub&) = delete;
  WebStub& operator=(const WebStub&) = delete;

  std::string url() const;  ///< http://127.0.0.1:PORT
  int port() const { return port_; }
  void script(Script script);
  int connections() const { return connections_; }  ///< taken so far
  WebRequest last() const;

  void stop();  ///< nobody listens, and open connections end
  void start();

 private:
  void serve(const std::stop_token& stop);
  void talk(int fd, const std::stop_token& stop);
  bool reply(int fd, const WebReply& r, const std::stop_token& stop) const;

  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  Script script_;
  WebRequest last_;
  std::list<std::jthread> talks_;
  std::jthread thread_;
};

}  // namespace docktor::test
