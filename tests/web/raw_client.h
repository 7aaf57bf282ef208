// A client that says exactly what a test wants it to, byte by byte.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "os/fd.h"

namespace docktor::test {

class RawClient {
 public:
  /// To 127.0.0.1:PORT, or to a unix socket.
  explicit RawClient(int port, int receive_buffer = 0);
  explicit RawClient(const std::string& path);

  bool connected() const { return connected_; }
  bool send(const std::string& text) const;
  /// What came until `mark` was in it, the server closed, or time was over.
  std::string read_until(const std::string& mark, std::chrono::milliseconds most = std::chrono::seconds(30));
  /// Everything until the server closes.
  std::string read_all(std::chrono::milliseconds most = std::chrono::seconds(30)) {
    return read_until("", most);
  }
  /// Whether the server has closed, within that time.
  bool closed(std::chrono::milliseconds most);

 private:
  Fd fd_;
  bool connected_ = false;
  std::string got_;
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// One request on a connection of its own; status 0 when there was no answer.
Answer ask(RawClient client, const std::string& method, const std::string& path,
           const std::map<std::string, std::string>& headers = {}, const std::string& body = {});

}  // namespace docktor::test
